/** Compiles the kernels: `kernels.wasm` (plain SIMD) and `kernels.relaxed.wasm` (relaxed SIMD) into `dist`, or where told. */
import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { root } from "./pages.ts";

/** Targets of asconfig.json and the files they give. */
const files = { simd: "kernels.wasm", "relaxed-simd": "kernels.relaxed.wasm" } as const;

/** When the newest source of the kernels, or what says how they are compiled, was written. */
function newestSource(): number {
  const folder = join(root, "assembly");
  const sources = readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => join(folder, name));
  const others = ["asconfig.json", "scripts/constants.ts"].map((name) => join(root, name));
  return Math.max(...[...sources, ...others].map((path) => statSync(path).mtimeMs));
}

/**
 * Compiles both targets into a folder; those newer than all sources stay as they are unless `always`.
 *
 * @throws Error with the compiler's messages, if it has any, be they warnings.
 */
export async function compileKernels(folder: string, always = false): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const newest = newestSource();
  for (const [target, file] of Object.entries(files)) {
    const path = join(folder, file);
    if (!always && (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0) > newest) continue;
    console.error(`compiling ${file}, some 20 seconds the first time`);
    // The compiler takes a second to load, and another process may be reading the file.
    const { default: asc } = await import("assemblyscript/asc");
    const fresh = `${path}.${process.pid}`;
    const { error, stderr } = await asc.main(["--target", target, "--outFile", fresh, "--baseDir", root]);
    // Said where one more round of optimising would make the module larger and is therefore left out: no fault.
    const messages = stderr.toString().replace(/Last converge was suboptimal\.\s*/, "");
    if (error || messages) throw new Error(`${file} does not compile: ${messages || error?.message}`);
    const { keepConstants } = await import("./constants.ts");
    writeFileSync(fresh, keepConstants(readFileSync(fresh)));
    renameSync(fresh, path);
  }
}

/** Where the tests, and whatever runs from the source tree, look for them. */
export const cache = join(root, "node_modules/.cache/attnspec");

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [where, ...more] = process.argv.slice(2);
  if (more.length || (where !== undefined && where !== "--cache"))
    throw new Error(`kernels.ts takes --cache or nothing, got ${process.argv.slice(2).join(" ")}`);
  await (where ? compileKernels(cache) : compileKernels(join(root, "dist"), true));
}
