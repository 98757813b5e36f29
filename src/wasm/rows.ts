/** Functions of rows: a row is the last axis, of any length from 1; the other axes are any. */
import type { Arena } from "./arena.ts";
import { calling } from "./call.ts";
import { type Checks, type Shaped, shown, sizeOf } from "./checks.ts";
import type { MapOptions } from "./elementwise.ts";
import type { Exports } from "./exports.ts";
import type { Floats, Integers, WasmTensor } from "./tensor.ts";

/** What a row is divided by, in the order in which `assembly/rows/norm.ts` numbers them. */
const norms = ["rms", "layer", "l2"] as const;

/**
 * `rms` divides by √(mean of x² + ε); `layer` takes the mean off and divides by √(variance + ε); `l2` divides by the length
 * of the row, at least ε.
 */
export type Norm = (typeof norms)[number];

export interface NormOptions extends MapOptions {
  /** [D], the factor on each feature. Default none. */
  readonly weight?: Floats | undefined;
  /** [D], added to each feature. Default none. */
  readonly bias?: Floats | undefined;
  /** ε. Default 1e-6 for `rms`, 1e-5 for `layer`, 1e-12 for `l2`. */
  readonly epsilon?: number | undefined;
  /** Added to the weight: 1 where a checkpoint keeps weights less 1, as Gemma's do. Default 0. */
  readonly offset?: number | undefined;
  /** A tensor of x's shape, added to it before the norm. Default none. */
  readonly residual?: Floats | undefined;
  /** A tensor of the kernels' memory that gets x + residual; it may be one of the two. Needs `residual`. Default none. */
  readonly sum?: WasmTensor | undefined;
}

/** How many rows a checked tensor has, and how long they are. */
export function rowsOf(call: Checks, name: string, x: Shaped): { rows: number; width: number } {
  call.check(name, x, Float32Array);
  const width = x.shape.at(-1);
  if (!width) call.fail(name, `${name} has shape ${shown(x.shape)}, expected [..., D] with D at least 1`);
  return { rows: sizeOf(x.shape) / width, width };
}

/**
 * The softmax of each row. A row of −∞ alone gives zeros; one that holds NaN or ∞ gives NaN. Weights below 2^−100 of the
 * largest are 0.
 *
 * @throws KernelError naming the argument whose shape or values do not fit.
 */
export function softmax(exports: Exports, arena: Arena, x: Floats, options: MapOptions = {}): Floats {
  return calling("softmax", arena, (call) => {
    const { rows, width } = rowsOf(call, "x", x);
    const source = call.addressOf("x", x);
    const target = call.target("into", x.shape, options.into, { x }, ["x"]);
    exports.softmax(source, target.address, rows, width);
    return call.result(target, options.into);
  });
}

/**
 * ln Σ e^x of each row: [..., D] gives [...]. A row of −∞ alone gives −∞, one that holds ∞ gives ∞.
 *
 * @throws KernelError naming the argument whose shape or values do not fit.
 */
export function logSumExp(exports: Exports, arena: Arena, x: Floats, options: MapOptions = {}): Floats {
  return calling("logSumExp", arena, (call) => {
    const { rows, width } = rowsOf(call, "x", x);
    const source = call.addressOf("x", x);
    const target = call.target("into", x.shape.slice(0, -1), options.into, { x });
    exports.logSumExp(source, target.address, rows, width);
    return call.result(target, options.into);
  });
}

/**
 * The norm of each row, times weight, plus bias; with `residual` of the sum of the two. Sums are taken in float64, so that
 * no row is too large or too long.
 *
 * @throws KernelError naming the argument whose shape or values do not fit.
 */
export function norm(exports: Exports, arena: Arena, x: Floats, kind: Norm, options: NormOptions = {}): Floats {
  const { weight, bias, residual, sum, offset = 0, into } = options;
  return calling("norm", arena, (call) => {
    const { rows, width } = rowsOf(call, "x", x);
    const { which, epsilon } = measureNorm(call, x, width, kind, options);
    const optional = (name: string, values: Floats | undefined) => (values ? call.addressOf(name, values) : 0);
    const [by, plus] = [optional("weight", weight), optional("bias", bias)];
    let source = call.addressOf("x", x);
    const other = optional("residual", residual);
    const target = call.target("into", x.shape, into, { x, residual, sum, weight, bias }, ["x", "residual"]);
    if (residual) {
      const added = sum ? call.target("sum", x.shape, sum, { x, residual, weight, bias }, ["x", "residual"]) : target;
      exports.sum(source, other, added.address, sizeOf(x.shape));
      source = added.address;
    }
    exports.normalise(which, source, by, plus, target.address, rows, width, epsilon, offset);
    return call.result(target, into);
  });
}

/** Checks the options of a norm, and says what ε is. */
export function measureNorm(
  call: Checks,
  x: Shaped,
  width: number,
  kind: Norm,
  options: { readonly [Name in "weight" | "bias" | "residual" | "sum"]?: Shaped | undefined } & Pick<
    NormOptions,
    "epsilon" | "offset"
  >,
) {
  const { weight, bias, residual, sum, offset = 0 } = options;
  const which = call.choose("kind", kind, norms);
  const { epsilon = [1e-6, 1e-5, 1e-12][which]! } = options;
  if (!(epsilon >= 0 && epsilon < Infinity))
    call.fail("epsilon", `epsilon must be a finite number from 0 on, got ${epsilon}`);
  if (!Number.isFinite(offset)) call.fail("offset", `offset must be a finite number, got ${offset}`);
  if (offset !== 0 && !weight) call.fail("offset", "offset is added to the weight: give a weight, or none of both");
  for (const [name, values] of Object.entries({ weight, bias })) if (values) call.same(name, values, [width]);
  if (residual) call.same("residual", residual, x.shape);
  else if (sum) call.fail("sum", "sum is x + residual: give a residual, or none of both");
  return { which, epsilon };
}

/**
 * a + b, value by value, for a and b of one shape.
 *
 * @throws KernelError naming the argument whose shape or values do not fit.
 */
export function add(exports: Exports, arena: Arena, a: Floats, b: Floats, options: MapOptions = {}): Floats {
  return calling("add", arena, (call) => {
    call.check("a", a, Float32Array);
    call.same("b", b, a.shape);
    const [left, right] = [call.addressOf("a", a), call.addressOf("b", b)];
    const target = call.target("into", a.shape, options.into, { a, b }, ["a", "b"]);
    exports.sum(left, right, target.address, sizeOf(a.shape));
    return call.result(target, options.into);
  });
}

export interface Top {
  /** [..., K], largest first. */
  readonly values: Floats;
  /** [..., K], where in the row they stand. */
  readonly indices: Integers;
}

/**
 * The `count` largest values of each row and their places, largest first; of equal ones (0 and −0 are equal) the earlier
 * comes first. NaN counts as larger than all numbers.
 *
 * @throws KernelError naming the argument whose shape or values do not fit.
 */
export function topK(exports: Exports, arena: Arena, x: Floats, count: number): Top {
  return calling("topK", arena, (call) => {
    const { rows, width } = rowsOf(call, "x", x);
    checkCount(call, count, width);
    const source = call.addressOf("x", x);
    const shape = [...x.shape.slice(0, -1), count];
    const values = call.region.tensor(shape);
    const indices = call.region.allocate(4 * rows * count);
    exports.top(source, values.address, indices, rows, width, count);
    return { values: call.result(values, undefined), indices: { shape, data: call.integers(indices, rows * count) } };
  });
}

export function checkCount(call: Checks, count: number, width: number): void {
  if (!(Number.isSafeInteger(count) && count >= 1 && count <= width))
    call.fail("count", `count must be a whole number from 1 to the row's length ${width}, got ${count}`);
}

/**
 * Where the largest value of each row stands, the earliest of equal ones: [..., D] gives [...]. NaN counts as larger than
 * all numbers.
 *
 * @throws KernelError naming the argument whose shape or values do not fit.
 */
export function argmax(exports: Exports, arena: Arena, x: Floats): Integers {
  return calling("argmax", arena, (call) => {
    const { rows, width } = rowsOf(call, "x", x);
    const source = call.addressOf("x", x);
    const indices = call.region.allocate(4 * rows);
    exports.argmax(source, indices, rows, width);
    return { shape: x.shape.slice(0, -1), data: call.integers(indices, rows) };
  });
}
