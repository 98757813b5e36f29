import { integer, largest, mechanism, softmax, sum, table } from "../page.ts";

/**
 * Memory reading with an anisotropic distance (XMem): a query weighs the entries of the memory by their squared
 * distance, in which each of its channels counts as much as the query selects, and each entry has a sharpness of its
 * own. Only the nearest count. Cheng and Schwing 2022, arXiv:2207.07115; also in ColorMNet.
 *
 * $$ S_{i,j} = -\frac{s_i}{\sqrt D} \sum_d e_{j,d} (k_{i,d} - q_{j,d})^2, \quad
 *    A_{\cdot,j} = \operatorname{softmax}_{i \in \mathrm{top}_j}(S_{i,j}), \quad
 *    o_j = \sum_i A_{i,j}\, v_i, \quad u_i = \sum_j A_{i,j} $$
 *
 * $\mathrm{top}_j$ is the `topK` entries of largest $S_{\cdot,j}$, of equal ones the earlier, and all where there are
 * fewer (the code then fails). $s$ (shrinkage, $\ge 1$ in use) is 1 if not given. Without the selection $e$ (0 to 1 in
 * use) the square of the query is left out, $S_{i,j} = s_i (2 k_i \cdot q_j - |k_i|^2) / \sqrt D$: the same weights as
 * $e = 1$ where all $s_i$ are equal to 1, but others where they are not, since the square left out was multiplied by
 * $s_i$. $u$ = `usage` says which entries may be forgotten. An empty memory gives zeros. Cost: $O(T_q T_k (D + E))$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ.
 */
export const anisotropicL2MemoryRead = mechanism({
  id: "memory/anisotropic-l2-memory-read",
  name: "Memory read with anisotropic L2 similarity (XMem)",
  paper: "Cheng and Schwing, 2022, arXiv:2207.07115",
  code: "hkchengrex/XMem model/memory_util.py:get_similarity",
  inputs: { k: "Tk D", s: "Tk = 1", v: "Tk E", q: "Tq D", e: "Tq D = none" },
  outputs: { out: "Tq E", usage: "Tk", affinity: "Tk Tq" },
  options: {
    topK: integer(30, "how many entries of the memory a query reads", { min: 1, tried: [1, 2, 3, Infinity] }),
  },
  mayBeEmpty: ["Tk"],
  domain: { s: { usual: [1, 3] }, e: { usual: [0, 1] } },
  properties: [
    { linear: "v", outputs: ["out"] },
    { averages: "v", along: "Tk", outputs: ["out"] },
    { independent: "Tq", outputs: ["out", "affinity"] },
    { unordered: "Tq", outputs: ["usage"] },
    { unordered: "Tk", outputs: ["out"], when: (n, o) => o.topK >= n.Tk },
    { even: ["k", "q"] },
  ],
  run({ k, s, v, q, e }, { Tq, Tk, D }, { topK }, given) {
    const nearness = given.e
      ? (i: number, j: number) => -sum(D, (d) => e(j, d) * (k(i, d) - q(j, d)) ** 2)
      : (i: number, j: number) => sum(D, (d) => 2 * k(i, d) * q(j, d) - k(i, d) ** 2);
    const S = table([Tk, Tq], (i, j) => (s(i) * nearness(i, j)) / Math.sqrt(D));
    const read = table([Tq], (j) =>
      softmax(
        largest(topK, Tk, (i) => S(i, j)),
        (i) => S(i, j),
      ),
    );
    const A = table([Tk, Tq], (i, j) => read(j).of(i));
    return {
      out: (j, c) => sum(Tk, (i) => A(i, j) * v(i, c)),
      usage: (i) => sum(Tq, (j) => A(i, j)),
      affinity: A,
    };
  },
});
