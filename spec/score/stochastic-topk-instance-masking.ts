import { flag, integer, largest, mechanism, range, real, softmax, table } from "../page.ts";

/**
 * Stochastic top-k instance masking: while training, a random part of the instances with the highest scores is hidden
 * from the softmax, so that a bag of instances is not judged by a few of them alone. At inference it is the plain
 * softmax. Zhang et al. 2024, arXiv:2311.07125 (ACMIL). The queries are the model's attention branches, the keys the
 * instances.
 *
 * $$ w_t = \operatorname{softmax}_{j \notin M_t}(s_{t,j}), \quad
 *    M_t = \bigl\{ i_{\pi_t(1)}, \dots, i_{\pi_t(m)} \bigr\}, \quad
 *    m = \lfloor K p \rfloor, \quad K = \min(k_0, T_k) $$
 *
 * $i_1, \dots, i_K$ are the instances with the $K$ largest scores of row $t$, largest first, the lower index first of
 * equal ones, and $\pi_t$ is a permutation of them: a random one, which is the input `perm`, counted from 0. Not all
 * are ever hidden as $p < 1$. The official code sets hidden scores to $-10^9$ rather than leaving them out; the weights
 * are the same. Cost: $O(T_q T_k \log K)$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, `perm` repeats an entry or is
 * missing in training.
 */
export const stochasticTopkInstanceMasking = mechanism({
  id: "score/stochastic-topk-instance-masking",
  name: "Stochastic top-k instance masking (STKIM)",
  paper: "Zhang et al., 2024, arXiv:2311.07125",
  code: "dazhangyu123/ACMIL architecture/transformer.py:ACMIL_GA.forward",
  inputs: { s: "Tq Tk", perm: "Tq K = none" },
  outputs: { weights: "Tq Tk" },
  options: {
    k0: integer(10, "how many of the largest scores may be hidden", { min: 1, tried: [1, 2, 3, 4] }),
    p: real(0.6, "which part of those is hidden, rounded down to whole instances", {
      min: 0,
      below: 1,
      tried: [0, 0.5],
    }),
    training: flag(true, "hides instances; without it nothing is hidden"),
  },
  axes: { K: (n, o) => Math.min(o.k0, n.Tk) },
  domain: { perm: { integers: [0, (n: { K: number }) => n.K - 1], order: "distinct" } },
  requires: { "perm must be given for training": (_, o, given) => !o.training || given.perm },
  properties: [{ independent: "Tq" }, { equivariant: "Tk", when: (_, o) => !o.training }],
  run({ s, perm }, { Tq, Tk, K }, { p, training }) {
    const hidden = (t: number) => {
      const top = largest(K, Tk, (j) => s(t, j));
      return range(Math.floor(K * p)).map((i) => top[perm(t, i)]);
    };
    const weights = table([Tq], (t) => {
      const masked = training ? hidden(t) : [];
      return softmax(
        range(Tk).filter((j) => !masked.includes(j)),
        (j) => s(t, j),
      );
    });
    return { weights: (t, j) => weights(t).of(j) };
  },
});
