import { describe, expect, test } from "vitest";
import { random } from "../../src/oracle.ts";
import type { Floats } from "../../src/wasm.ts";
import { plain, targets } from "./targets.ts";

const source = random(5);
const drawn = (...shape: number[]): Floats => ({
  shape,
  data: Float32Array.from({ length: shape.reduce((n, length) => n * length, 1) }, () => source.normal()),
});

/** How far a product is from the exact one, in units of what adding up its terms in float32 may lose. */
function error(a: Floats, b: Floats, product: Floats, transposed: boolean, bias?: Floats): number {
  const [M, K, N] = [a.shape.at(-2)!, a.shape.at(-1)!, product.shape.at(-1)!];
  let far = 0;
  product.data.forEach((got, place) => {
    const [row, j] = [Math.floor(place / N), place % N];
    const base = b.shape.length > 2 ? Math.floor(row / M) * K * N : 0;
    let exact = bias ? bias.data[j]! : 0;
    let size = Math.abs(exact);
    for (let d = 0; d < K; d++) {
      const term = a.data[row * K + d]! * b.data[base + (transposed ? j * K + d : d * N + j)]!;
      exact += term;
      size += Math.abs(term);
    }
    // Each of K + 1 additions and K products rounds once.
    far = Math.max(far, Math.abs(got - exact) / ((K + 2) * 2 ** -24 * size || 1));
  });
  return far;
}

const sizes = [1, 2, 3, 4, 5, 7, 8, 9, 11, 13];

for (const { name, runs, kernels } of targets)
  describe.skipIf(!runs)(name, () => {
    describe.each([false, true])("transposed: %s", (transposed) => {
      const check = (M: number, K: number, N: number, withBias: boolean) => {
        const [a, b] = [drawn(M, K), transposed ? drawn(N, K) : drawn(K, N)];
        const bias = withBias ? drawn(N) : undefined;
        const product = kernels.matmul(a, b, { transposed, bias });
        expect(product.shape).toEqual([M, N]);
        expect(error(a, b, product, transposed, bias), `${M} × ${K} × ${N}`).toBeLessThanOrEqual(1);
      };
      test("every remainder of rows, columns and depth", () => {
        for (const M of sizes) for (const N of sizes) for (const K of sizes) check(M, K, N, (M + N + K) % 2 === 0);
      });
      test("sizes that cross the blocks of 60 rows, 512 (or few rows: 4096) columns and depth 512", () => {
        for (const [M, K, N] of [
          [67, 515, 517],
          [1, 515, 1],
          [130, 1, 1030],
          [60, 512, 512],
          [64, 1025, 40],
          [3, 19, 4101],
        ] as const)
          for (const withBias of [false, true]) check(M, K, N, withBias);
      });
      test("a batch, each with a b of its own", () => {
        const [a, b] = [drawn(2, 3, 5, 6), transposed ? drawn(2, 3, 7, 6) : drawn(2, 3, 6, 7)];
        const product = kernels.matmul(a, b, { transposed });
        expect(product.shape).toEqual([2, 3, 5, 7]);
        expect(error(a, b, product, transposed)).toBeLessThanOrEqual(1);
      });
    });
    test("a batch with one b for all", () => {
      const [a, b] = [drawn(2, 3, 5), drawn(5, 4)];
      const product = kernels.matmul(a, b);
      expect(product.shape).toEqual([2, 3, 4]);
      expect([...product.data]).toEqual([...kernels.matmul({ shape: [6, 5], data: a.data }, b).data]);
    });
    test("a depth of 0 gives the bias, or zeros; no rows or columns give nothing", () => {
      const bias = { shape: [3], data: Float32Array.of(1, 2, 3) };
      expect([...kernels.matmul(drawn(2, 0), drawn(0, 3), { bias }).data]).toEqual([1, 2, 3, 1, 2, 3]);
      expect([...kernels.matmul(drawn(1, 0), drawn(0, 3)).data]).toEqual([0, 0, 0]);
      expect(kernels.matmul(drawn(0, 2), drawn(2, 3)).shape).toEqual([0, 3]);
      expect(kernels.matmul(drawn(2, 2), drawn(2, 0)).data).toHaveLength(0);
    });
    test("tensors of the memory are neither copied in nor out", () => {
      const region = kernels.region();
      const [a, b] = [region.tensorOf(drawn(3, 4)), region.tensorOf(drawn(4, 5))];
      const into = region.tensor([3, 5]);
      expect(kernels.matmul(a, b, { into })).toBe(into);
      expect(error(a, b, into, false)).toBeLessThanOrEqual(1);
      region.release();
    });
  });

describe("the border", () => {
  const wrong = (message: string, a: Floats, b: Floats, options: Parameters<typeof plain.matmul>[2] = {}) => {
    const before = plain.arena.used;
    expect(() => plain.matmul(a, b, options)).toThrow(message);
    expect(plain.arena.used).toBe(before);
  };
  test("what does not fit is refused by name, and leaves no memory taken", () => {
    wrong("matmul: b has K = 4, but a has K = 3; expected [K, N]", drawn(2, 3), drawn(4, 5));
    wrong("matmul: b has K = 5, but a has K = 3; expected [N, K]", drawn(2, 3), drawn(4, 5), { transposed: true });
    wrong("matmul: a has shape [3], expected [..., M, K]", drawn(3), drawn(3, 5));
    wrong("matmul: b has shape [2, 3, 5], but a has shape [4, 2, 3]", drawn(4, 2, 3), drawn(2, 3, 5));
    wrong("matmul: bias has shape [4], expected [N] = [5]", drawn(2, 3), drawn(3, 5), { bias: drawn(4) });
    wrong(
      "matmul: a has 5 values, but its shape [2, 3] holds 6",
      { shape: [2, 3], data: new Float32Array(5) },
      drawn(3, 1),
    );
  });
  test("arrays of another kind are refused", () => {
    const doubles = { shape: [1, 1], data: new Float64Array(1) } as unknown as Floats;
    wrong(
      "matmul: a must hold a Float32Array, got Float64Array; convert it with Float32Array.from(data)",
      doubles,
      drawn(1, 1),
    );
  });
  test("a target that overlaps an input, is of other kernels or of another shape is refused", () => {
    const region = plain.region();
    const a = region.tensorOf(drawn(2, 2));
    wrong("matmul: into overlaps a in memory", a, drawn(2, 2), { into: a });
    wrong("matmul: into has shape [2, 2], expected [2, 3]", drawn(2, 2), drawn(2, 3), { into: a });
    region.release();
    wrong("the region of this tensor of shape [2, 2] is released", a, drawn(2, 2));
  });
});
