import type { Arena } from "./arena.ts";
import { calling } from "./call.ts";
import { sizeOf } from "./checks.ts";
import type { Exports } from "./exports.ts";
import type { Floats, WasmTensor } from "./tensor.ts";

/** Functions of single values, in the order in which `assembly/elementwise.ts` numbers them. */
export const functions = [
  "exp",
  "log",
  "tanh",
  "sigmoid",
  "softplus",
  "silu",
  "gelu",
  "gelu-tanh",
  "normal",
  "relu",
  "weight",
  "weight2",
] as const;

/**
 * A function of single values: `gelu` is the exact one, x · Φ(x), `gelu-tanh` its approximation with a hyperbolic tangent;
 * `normal` is Φ, the share of a standard normal distribution below x; `weight` and
 * `weight2` are e^x and 2^x as softmax takes them: for x ≤ 88 and x ≤ 127, and 0 below −69.3 and −100.
 */
export type Elementwise = (typeof functions)[number];

export interface MapOptions {
  /** A tensor of the kernels' memory for the result; it may be an input itself. Default: the result is a copy outside. */
  readonly into?: WasmTensor | undefined;
}

/**
 * f of each value, in float32: within 1.5 units in the last place for exp, 1 for log, 2 for tanh, 3 for sigmoid and
 * softplus, 4 for SiLU, 5 for Φ and GELU; results that would be denormal may be 0. `gelu-tanh` has the same bound above −1; below, the
 * rounding of its exponent is added.
 *
 * @throws KernelError naming the argument whose shape or values do not fit.
 */
export function map(exports: Exports, arena: Arena, x: Floats, f: Elementwise, options: MapOptions = {}): Floats {
  return calling("map", arena, (call) => {
    call.check("x", x, Float32Array);
    const which = call.choose("f", f, functions);
    const source = call.addressOf("x", x);
    const target = call.target("into", x.shape, options.into, { x }, ["x"]);
    exports.apply(which, source, 0, target.address, sizeOf(x.shape));
    return call.result(target, options.into);
  });
}

/**
 * f(a) · b, value by value, for a and b of one shape: the gated products of feed-forward layers (SwiGLU with `silu`, GeGLU
 * with `gelu`, ReGLU with `relu`, GLU with `sigmoid`).
 *
 * @throws KernelError naming the argument whose shape or values do not fit.
 */
export function gated(
  exports: Exports,
  arena: Arena,
  a: Floats,
  b: Floats,
  f: Elementwise,
  options: MapOptions = {},
): Floats {
  return calling("gated", arena, (call) => {
    call.check("a", a, Float32Array);
    call.same("b", b, a.shape);
    const which = call.choose("f", f, functions);
    const [from, by] = [call.addressOf("a", a), call.addressOf("b", b)];
    const target = call.target("into", a.shape, options.into, { a, b }, ["a", "b"]);
    exports.apply(which, from, by, target.address, sizeOf(a.shape));
    return call.result(target, options.into);
  });
}
