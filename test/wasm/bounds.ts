/** How exact the elementwise functions are. */
import { gelu, geluTanh, normalCdf, sigmoid, silu, softplus } from "../../spec/page/special.ts";
import type { Elementwise } from "../../src/wasm.ts";

const bits = new Int32Array(1);
const float = new Float32Array(bits.buffer);

/** The distance between a float and the next larger one in size. */
export const ulp = (x: number): number => {
  float[0] = x;
  const exponent = Math.max(1, (bits[0]! >> 23) & 0xff);
  return 2 ** (exponent - 150);
};

/** Every `step`-th float from `from` to `to`, both of one sign. */
export function floats(from: number, to: number, step: number): Float32Array {
  const bitsOf = (x: number) => {
    float[0] = x;
    return bits[0]!;
  };
  const [first, last] = [bitsOf(from), bitsOf(to)];
  const pattern = Int32Array.from(
    { length: Math.floor(Math.abs(last - first) / step) + 1 },
    (_, i) => first + Math.sign(last - first) * step * i,
  );
  return new Float32Array(pattern.buffer);
}

/** 2|z|, the exponent of the tangent form. */
const exponent = (x: number) => Math.abs(2 * Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3));

/** The exact function, its bound (a number, or one for each x), and the pieces of its range, each of one sign. */
export const bounds: readonly [
  Elementwise,
  (x: number) => number,
  number | ((x: number) => number),
  ...(readonly [number, number])[],
][] = [
  ["weight", Math.exp, 1.5, [-1e-30, -69.2999]],
  ["weight2", (x) => 2 ** x, 1.5, [-1e-30, -99.999], [1e-30, 127]],
  ["exp", Math.exp, 1.5, [-1e-37, -87.336], [1e-37, 88.7228]],
  ["log", Math.log, 1, [1e-45, 3.4e38], [0.7, 1.5]],
  ["tanh", Math.tanh, 2, [1e-37, 3e38], [-1e-37, -3e38]],
  ["sigmoid", sigmoid, 3, [1e-37, 3e38], [-1e-37, -87.3]],
  ["softplus", softplus, 3, [1e-37, 3e38], [-1e-37, -87.3]],
  ["silu", silu, 4, [1e-36, 3e38], [-1e-36, -87.3]],
  ["normal", normalCdf, 5, [1e-37, 3e38], [-1e-37, -12.9]],
  ["gelu", gelu, 5, [1e-36, 3e38], [-1e-36, -12.9]],
  ["gelu-tanh", geluTanh, 5, [1e-36, 3e38], [-1e-36, -1]],
  ["gelu-tanh", geluTanh, (x) => 5 + 3 * exponent(x), [-1, -9.9]],
  ["relu", (x) => Math.max(x, 0), 0.5, [1e-37, 3e38], [-1e-37, -3e38]],
];
