/** The bounds of the functions that attention is made of, in units in the last place, over their whole range. */
import { describe, expect, test } from "vitest";
import { targets } from "./targets.ts";

const bits = new Int32Array(1);
const float = new Float32Array(bits.buffer);

/** The distance between a float and the next larger one in size. */
const ulp = (x: number): number => {
  float[0] = x;
  const exponent = Math.max(1, (bits[0]! >> 23) & 0xff);
  return 2 ** (exponent - 150);
};

/** Every `step`-th float from `from` to `to`, both of one sign. */
function floats(from: number, to: number, step: number): Float32Array {
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

for (const { name, runs, kernels } of targets)
  describe.skipIf(!runs)(name, () => {
    const apply = (f: "exp" | "tanh", x: Float32Array): Float32Array => {
      const region = kernels.region();
      const [from, to] = [region.tensorOf({ shape: [x.length], data: x }), region.tensor([x.length])];
      kernels.exports[f](from.address, to.address, x.length);
      const result = to.data.slice();
      region.release();
      return result;
    };
    const worst = (f: "exp" | "tanh", x: Float32Array): number =>
      apply(f, x).reduce((far, y, i) => {
        const exact = Math[f](x[i]!);
        return Math.max(far, Math.abs(y - exact) / ulp(exact));
      }, 0);

    test("exp is within 1.5 ulp from −69.3 to 0", () => {
      expect(worst("exp", floats(-1e-30, -69.2999, 331))).toBeLessThan(1.5);
    });
    test("exp is 1 at 0, 0 below −69.3, and keeps NaN", () => {
      const x = Float32Array.of(0, -0, -69.31, -1000, -3e38, Number.NEGATIVE_INFINITY, Number.NaN);
      expect([...apply("exp", x)]).toEqual([1, 1, 0, 0, 0, 0, Number.NaN]);
    });
    test("tanh is within 2 ulp everywhere", () => {
      expect(worst("tanh", floats(1e-37, 3e38, 997))).toBeLessThan(2);
      expect(worst("tanh", floats(-1e-37, -3e38, 997))).toBeLessThan(2);
    });
    test("tanh keeps zeros, signs, bounds and NaN", () => {
      const x = Float32Array.of(0, -0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN);
      expect([...apply("tanh", x)]).toEqual([0, -0, 1, -1, Number.NaN]);
    });
  });
