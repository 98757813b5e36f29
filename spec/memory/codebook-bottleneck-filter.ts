import { choice, integer, largest, mechanism, range, real, relu, softmax, sum, table, weigh } from "../page.ts";

/**
 * A bottleneck of codes conditioned on the task: the embedding of observation and goal chooses among a few learned
 * codes, and only their mixture goes on to the policy. It is attention of one learned query map to fixed keys and
 * values. Eftekhar et al. 2023, arXiv:2311.04193.
 *
 * $$ p = \operatorname{softmax}\bigl(\operatorname{relu}(e)\, W_I + b_I\bigr), \quad
 *    y = \Bigl(\sum_c p_c\, C_c\Bigr) W_O + b_O $$
 *
 * The paper has a linear map of $e$; its code has the ReLU before it. `topk` keeps the `topK` largest $p_c$, of equal
 * ones the earlier, and does not make them sum to 1 again. `hard` takes the one code of largest score after `gumbel`,
 * noise drawn by the caller, is added to the scores; the code's temperature does not change which that is. `codes`
 * `binary` stands for the signs of $C$, −1 for 0. In training the code drops entries of $p$: give `kept`, 1 where an
 * entry stays, and the others are 0 and the kept divided by $1 -$ `pDrop`, before `topk` picks. Cost: $O(T C (M + A))$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, `gumbel` is given without mode
 * `hard`, or `kept` with it.
 */
export const codebookBottleneckFilter = mechanism({
  id: "memory/codebook-bottleneck-filter",
  name: "Task-conditioned codebook bottleneck",
  paper: "Eftekhar et al., 2023, arXiv:2311.04193",
  code: "allenai/procthor-rl procthor_objectnav/models/dino_gru.py:DinoTensorNavActorCriticCodebook.forward_codebook",
  inputs: {
    e: "T M",
    wI: "M C",
    bI: "C",
    c: "C A",
    wO: "A Mo",
    bO: "Mo",
    gumbel: "T C = 0",
    kept: "T C = none",
  },
  outputs: { out: "T Mo" },
  options: {
    mode: choice(["softmax", "topk", "hard"], "all codes by their weight, the largest of them, or one"),
    topK: integer(16, "how many codes mode topk keeps", { min: 1, tried: [1, 2, 3] }),
    codes: choice(["learned", "binary"], "the codes as given, or their signs"),
    pDrop: real(0.1, "the share of entries dropped, where kept is given", { min: 0, below: 1, tried: [0, 0.5] }),
  },
  domain: { kept: "boolean" },
  requires: {
    "gumbel is for mode hard, kept for the others": (_, o, given) => (o.mode === "hard" ? !given.kept : !given.gumbel),
  },
  properties: [
    { linear: ["wO", "bO"] },
    { independent: "T" },
    { equivariant: "T" },
    { unordered: "C", when: (_, o) => o.mode === "softmax" },
  ],
  run({ e, wI, bI, c, wO, bO, gumbel, kept }, { T, M, C, A }, { mode, topK, codes, pDrop }, given) {
    const score = table([T, C], (t, j) => sum(M, (m) => relu(e(t, m)) * wI(m, j)) + bI(j));
    const soft = table([T], (t) => softmax(C, (j) => score(t, j)));
    const p = table([T, C], (t, j) => soft(t).of(j) * (given.kept ? kept(t, j) / (1 - pDrop) : 1));
    const chosen = {
      softmax: () => range(C),
      topk: (t: number) => largest(topK, C, (j) => p(t, j)),
      hard: (t: number) => largest(1, C, (j) => score(t, j) + gumbel(t, j)),
    }[mode];
    const weights = table([T], (t) => weigh(chosen(t), (j) => (mode === "hard" ? 1 : p(t, j))));
    const code = (j: number, a: number) => (codes === "learned" ? c(j, a) : c(j, a) > 0 ? 1 : -1);
    const mixed = table([T, A], (t, a) => sum(weights(t), (j, w) => w * code(j, a)));
    return { out: (t, m) => sum(A, (a) => mixed(t, a) * wO(a, m)) + bO(m) };
  },
});
