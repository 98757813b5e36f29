/** Products of one row with weights far larger than the second cache, and of many rows. */
import { type Format, quantise } from "../../wasm/quantise.ts";
import type { Floats } from "../../wasm/tensor.ts";
import type { Contests } from "../contest.ts";

const [N, K] = [16384, 4096];

/** Straight loops over float32 weights [N, K]. */
function loops(x: Floats, w: Floats): Float32Array {
  const [a, b, length, depth] = [x.data.slice(), w.data, w.shape[0]!, w.shape[1]!];
  return Float32Array.from({ length }, (_, n) => {
    let sum = 0;
    for (let d = 0; d < depth; d++) sum += a[d]! * b[n * depth + d]!;
    return sum;
  });
}

export const weights: Contests = (ring) => {
  const { kernels, region, drawn, blank } = ring;
  const [x, many] = [drawn(1, K), drawn(64, K)];
  const [into, intoMany] = [blank(1, N), blank(64, N)];
  const rows = drawn(N, K);
  // A copy, since room for it may move the memory.
  const columns: Floats = { shape: [K, N], data: rows.data.slice() };
  const turned = region.tensorOf(columns);
  const packed = (["q8_0", "q4_0", "int8"] as const).map((format: Format) => {
    const w = quantise(rows, format);
    return { format, bytes: w.data.length, w: kernels.pack(w, region) };
  });
  return [
    {
      name: "matvec float32 [N, K]",
      bytes: 4 * N * K,
      ours: () => kernels.matmul(x, rows, { transposed: true, into }),
      rivals: { loops: () => loops(x, rows) },
    },
    { name: "matvec float32 [K, N]", bytes: 4 * N * K, ours: () => kernels.matmul(x, turned, { into }) },
    ...packed.flatMap(({ format, bytes, w }) =>
      (["int8", "float32"] as const).flatMap((activations) => [
        {
          name: `matvec ${format}, activations ${activations}`,
          bytes,
          ours: () => kernels.project(x, w, { activations, into }),
        },
        {
          name: `64 rows ${format}, activations ${activations}`,
          operations: 2 * 64 * N * K,
          ours: () => kernels.project(many, w, { activations, into: intoMany }),
        },
      ]),
    ),
  ];
};
