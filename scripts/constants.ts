/** What is done to the kernels after they are compiled: vector constants that loops use become local variables. */
import binaryen from "assemblyscript/binaryen";

/** A vector as the text format writes it; zeros take one instruction anywhere and stay. */
const constant = /\(v128\.const i32x4 ((?!0x0{8}(?: 0x0{8}){3}\))0x[0-9a-f]{8}(?: 0x[0-9a-f]{8}){3})\)/g;

/** How far a line is indented: by one for each expression that it stands in. */
const depth = (line: string): number => line.search(/\S|$/);

/**
 * Reads the constants of inner loops from globals when a function begins, once, and keeps them in its locals; those of
 * loops around them are read where they are used, so that the inner ones have the registers.
 *
 * V8 of Node 24 builds a constant anew at every use by three instructions, two of which need the same unit. A global that
 * could change is read instead, though none ever does; a local is a register or one load from the stack.
 *
 * @param module a module without names, after optimising: earlier, the globals would be taken for constants.
 */
export function keepConstants(module: Uint8Array): Uint8Array {
  const globals = new Map<string, string>();
  const read = binaryen.readBinary(module);
  const [head, ...functions] = read.emitText().split(/^(?= \(func )/m);
  read.dispose();
  const kept = functions.map((text) => keep(text, globals));
  const declared = [...globals].map(([bits, name]) => ` (global ${name} (mut v128) (v128.const i32x4 ${bits}))\n`);
  // Exports come after whatever is imported, and globals must.
  const whole = binaryen.parseText([head!.replace(/^(?= \(export )/m, () => declared.join("")), ...kept].join(""));
  whole.setFeatures(binaryen.Features.All);
  if (!whole.validate()) throw new Error("the kernels are not valid any more once their constants are kept");
  const bytes = whole.emitBinary();
  whole.dispose();
  return bytes;
}

/** One function, written one expression a line; adds the globals it reads to `globals`, by the bits of each. */
function keep(text: string, globals: Map<string, string>): string {
  const lines = text.split("\n");
  const open: number[] = [];
  const outer = new Set<number>();
  const used = new Set<string>();
  const body = lines.map((line, i) => {
    while (open.length && depth(line) <= depth(lines[open.at(-1)!]!)) open.pop();
    const loop = open.at(-1);
    if (line.trimStart().startsWith("(loop")) {
      if (loop !== undefined) outer.add(loop);
      open.push(i);
    }
    return { line, loop };
  });
  const written = body.map(({ line, loop }) => {
    if (loop === undefined) return line;
    return line.replace(constant, (_, bits: string) => {
      const name = globals.get(bits) ?? `$constant${globals.size}`;
      globals.set(bits, name);
      if (outer.has(loop)) return `(global.get ${name})`;
      used.add(name);
      return `(local.get ${name})`;
    });
  });
  const names = [...used];
  const first = written.findIndex((line, i) => i > 0 && !line.startsWith("  (local $"));
  written.splice(
    first,
    0,
    ...names.map((name) => `  (local ${name} v128)`),
    ...names.map((name) => `  (local.set ${name} (global.get ${name}))`),
  );
  return written.join("\n");
}
