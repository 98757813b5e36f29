/** Two threads beside one. */
import type { Contests } from "../contest.ts";

export const threads: Contests = async ({ kernels, threaded, drawn, blank }) => {
  const two = await threaded(2);
  const region = two.region();
  const there = (...shape: number[]) => region.tensor(shape);
  const [a, b, c] = [drawn(1024, 1024), drawn(1024, 1024), blank(1024, 1024)];
  const [q, k, v, out] = [drawn(8, 4096, 64), drawn(8, 4096, 64), drawn(8, 4096, 64), blank(8, 4096, 64)];
  const [a2, b2] = [region.tensorOf(a), region.tensorOf(b)];
  const [q2, k2, v2] = [region.tensorOf(q), region.tensorOf(k), region.tensorOf(v)];
  const [c2, out2] = [there(1024, 1024), there(8, 4096, 64)];
  return [
    {
      name: "matmul 1024, two threads",
      ours: () => two.matmul(a2, b2, { into: c2 }),
      // Bit for bit.
      agree: 0,
      rivals: { "one thread": () => kernels.matmul(a, b, { into: c }) },
    },
    ...[false, true].map((causal) => ({
      name: `attention 4096${causal ? " causal" : ""}, two threads`,
      ours: () => two.attention(q2, k2, v2, { causal, into: out2 }).out,
      agree: 0,
      rivals: { "one thread": () => kernels.attention(q, k, v, { causal, into: out }).out },
    })),
  ];
};
