import type { Arena } from "./arena.ts";
import { calling } from "./call.ts";
import { type Checks, type Shaped, shown, sizeOf } from "./checks.ts";
import type { MapOptions } from "./elementwise.ts";
import type { Exports } from "./exports.ts";
import type { Floats, Integers } from "./tensor.ts";

/** Cosines and sines of each place (a row) and plane. */
export interface RotaryTable {
  /** [P, R/2]. */
  readonly cosines: Floats;
  /** [P, R/2]. */
  readonly sines: Floats;
}

/** θ^(−2i/R) for the R/2 planes: the frequencies of rotary embedding without scaling, in radians a place. */
export const rotaryFrequencies = (width: number, theta = 10000): number[] =>
  Array.from({ length: width / 2 }, (_, i) => theta ** ((-2 * i) / width));

/**
 * The table of `places` (a count from 0 on, or any real numbers) for planes of these frequencies; whatever scales the
 * context changes the frequencies. `factor` multiplies cosines and sines. Angles are worked out in float64.
 */
export function rotaryTable(
  places: number | ArrayLike<number>,
  frequencies: ArrayLike<number>,
  factor = 1,
): RotaryTable {
  const all = typeof places === "number" ? Array.from({ length: places }, (_, p) => p) : places;
  const planes = frequencies.length;
  const [cosines, sines] = [new Float32Array(all.length * planes), new Float32Array(all.length * planes)];
  for (let p = 0; p < all.length; p++)
    for (let i = 0; i < planes; i++) {
      const angle = all[p]! * frequencies[i]!;
      cosines[p * planes + i] = factor * Math.cos(angle);
      sines[p * planes + i] = factor * Math.sin(angle);
    }
  const shape = [all.length, planes];
  return { cosines: { shape, data: cosines }, sines: { shape, data: sines } };
}

export interface RotaryOptions extends MapOptions {
  /** Which features turn together: i with i + R/2 (default), or 2i with 2i + 1. */
  readonly layout?: "half" | "interleaved" | undefined;
  /** Which axis of x the tokens are. Default: the last but one, as in [H, T, D]; [T, H, D] has 0. */
  readonly axis?: number | undefined;
  /** The row of the table for the first token; the others follow. Default 0. */
  readonly first?: number | undefined;
  /** [T], the row of the table for each token. Default none: they follow from `first`. */
  readonly rows?: Integers | undefined;
}

/**
 * Turns the first R features of each token by its place: x [..., T, D] or with the tokens elsewhere. R is twice the
 * width of the table, at most D; the other features stay.
 *
 * @throws KernelError naming the argument whose shape or values do not fit.
 */
export function rotate(
  exports: Exports,
  arena: Arena,
  x: Floats,
  table: RotaryTable,
  options: RotaryOptions = {},
): Floats {
  const { first = 0, rows, into } = options;
  return calling("rotate", arena, (call) => {
    const { outer, tokens, inner, width, planes, interleaved } = measureRotary(call, x, table, options);
    const { cosines, sines } = table;
    const source = call.addressOf("x", x);
    const [c, s] = [call.addressOf("table", cosines), call.addressOf("table", sines)];
    const at = rows ? call.addressOfBytes(new Uint8Array(rows.data.buffer, rows.data.byteOffset, 4 * tokens)) : 0;
    const target = call.target("into", x.shape, into, { x, cosines, sines }, ["x"]);
    exports.rotate(source, target.address, c, s, at, first, outer, tokens, inner, width, 2 * planes, interleaved);
    return call.result(target, into);
  });
}

/** The lengths of a turn, which is checked: [outer, tokens, inner] rows. */
export function measureRotary(
  call: Checks,
  x: Shaped,
  table: { readonly cosines: Shaped; readonly sines: Shaped },
  options: Omit<RotaryOptions, "into">,
) {
  const { first = 0, rows } = options;
  call.check("x", x, Float32Array);
  if (x.shape.length < 2) call.fail("x", `x has shape ${shown(x.shape)}, expected [..., T, D]`);
  const { axis = x.shape.length - 2 } = options;
  const last = x.shape.length - 1;
  if (!(Number.isSafeInteger(axis) && axis >= 0 && axis < last))
    call.fail("axis", `axis must be one of the ${last} before the last, got ${axis}`);
  const interleaved = call.choose("layout", options.layout ?? "half", ["half", "interleaved"]);
  const { cosines, sines } = table;
  call.check("table", cosines, Float32Array);
  call.same("table", sines, cosines.shape);
  const [tokens, width] = [x.shape[axis]!, x.shape[last]!];
  const [places, planes] = cosines.shape as [number, number];
  if (cosines.shape.length !== 2 || 2 * planes > width)
    call.fail("table", `table has shape ${shown(cosines.shape)}, expected [P, R/2] with R at most D = ${width}`);
  if (rows) {
    call.check("rows", rows, Int32Array);
    if (rows.shape.join() !== String(tokens))
      call.fail("rows", `rows has shape ${shown(rows.shape)}, expected [T] = [${tokens}]`);
    const wrong = rows.data.find((row) => row < 0 || row >= places);
    if (wrong !== undefined) call.fail("rows", `rows holds ${wrong}, but the table has rows 0 to ${places - 1}`);
  } else if (!(Number.isSafeInteger(first) && first >= 0 && first + tokens <= places))
    call.fail("first", `rows ${first} to ${first + tokens - 1} are needed, but the table has 0 to ${places - 1}`);
  const [outer, inner] = [sizeOf(x.shape.slice(0, axis)), sizeOf(x.shape.slice(axis + 1, last))];
  return { outer, tokens, inner, width, planes, interleaved };
}
