import { choice, logSumExp, mechanism, range, real, softmax, sum, table, type Vector } from "../page.ts";

/**
 * DropPos: a vision transformer is trained to tell where patches lie. Of the patches some are shown, of those some
 * keep their position embedding; each of the others is to be put into its place, near misses counting for something.
 * Wang et al. 2023, arXiv:2309.03576.
 *
 * $$ x_0 = c + p_c, \quad x_{i+1} = e_{\pi(i)} + \begin{cases} p_{\pi(i)} & i \text{ keeps its position} \\ \mu & \text{else} \end{cases},
 *    \quad 0 \le i < K = \lfloor (1 - \gamma_1) P \rfloor $$
 * $$ \mathcal L = \frac{\sum_i u_i \cdot \bigl(-\sum_j Y_{\pi(i), j} \ln \operatorname{softmax}_j(z_i)\bigr)}{\sum_i u_i}, \quad
 *    Y_{i,j} = \frac{\kappa_{i,j}}{\sum_k \kappa_{j,k}}, \quad \kappa_{i,j} = e^{-\lVert i - j \rVert^2 / \sigma^2}, \quad
 *    u_i = a_i\,[i \text{ has no position}] $$
 *
 * `pi1` is the order $\pi$ of the $P$ patches of which the first $K$ are seen, `pi2` an order of those of which the
 * first $\lfloor (1 - \gamma_2) K \rfloor$ keep their positions. The patches fill a square row by row. $\sigma = 0$
 * makes $Y$ the identity; training takes it from 1 to 0 linearly. The official code divides by the sum of the column's
 * row, so that the columns of $Y$ sum to 1; `smoothing` `row` divides by the sum of the row itself, so that each
 * target sums to 1. $a_i$ is `attention`, or of features of the whole image the softmax over all patches of
 * $\cos(\text{class}, \text{patch})/\tau$ (attentive reconstruction); else 1. It need not sum to 1. Where nothing is
 * dropped the loss is 0. `tokens` need the embeddings, `loss` the logits. Cost: $O(P^2 + K P + K D)$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, an order is no permutation, $P$ is
 * no square, or attention is given in both forms or in half of one.
 */
export const droppedPositionReconstruction = mechanism({
  id: "positional/dropped-position-reconstruction",
  name: "DropPos (dropped position reconstruction)",
  paper: "Wang et al., 2023, arXiv:2309.03576",
  code: "Haochen-Wang409/DropPos models_DropPos_mae.py:forward_encoder, forward_drop_pos_loss; engine_pretrain.py:_get_label_smoothing_map",
  inputs: {
    pi1: "P",
    pi2: "K",
    embeddings: "P D = none",
    posTable: "P D = 0",
    maskToken: "D = 0",
    cls: "D = 0",
    clsPos: "D = 0",
    logits: "K P = none",
    attention: "K = 1",
    clsFeature: "M = none",
    patchFeatures: "P M = none",
  },
  outputs: { kept: "K", dropped: "K", smoothing: "P P", tokens: "T D = none", loss: " = none" },
  options: {
    g1: real(0.75, "γ₁, the share of patches not shown", { min: 0, max: 1, tried: [0, 0.5] }),
    g2: real(0.75, "γ₂, the share of shown patches without position", { min: 0, max: 1, tried: [0, 0.5, 1] }),
    sigma: real(1, "σ, how far a near miss may lie", { min: 0, tried: [0, 2] }),
    tau: real(0.1, "τ, the temperature of the attention", { above: 0, tried: [1] }),
    smoothing: choice(["official", "row"], "what the targets are divided by"),
  },
  axes: { K: (n, o) => Math.floor(n.P * (1 - o.g1)), T: (n) => n.K + 1 },
  tried: { P: [1, 4, 9] },
  mayBeEmpty: ["K"],
  requires: {
    "P must be a square number": (n) => Number.isInteger(Math.sqrt(n.P)),
    "clsFeature and patchFeatures go together, without attention": (_, __, given) =>
      given.clsFeature === given.patchFeatures && !(given.attention && given.patchFeatures),
  },
  domain: {
    pi1: { integers: [0, (n: { P: number }) => n.P - 1], order: "distinct" },
    pi2: { integers: [0, (n: { K: number }) => n.K - 1], order: "distinct" },
    attention: { usual: [0.25, 1] },
  },
  properties: [{ linear: ["embeddings", "posTable", "maskToken", "cls", "clsPos"], outputs: ["tokens"] }],
  run(x, { P, K, M }, { g2, sigma, tau, smoothing }, given) {
    const S = Math.sqrt(P);
    const placed = range(Math.floor(K * (1 - g2))).map((r) => x.pi2(r));
    const dropped = (i: number) => !placed.includes(i);
    const apart = (i: number, j: number) => ((i % S) - (j % S)) ** 2 + (Math.floor(i / S) - Math.floor(j / S)) ** 2;
    const near = table([P, P], (i, j) => (sigma === 0 ? Number(i === j) : Math.exp(-apart(i, j) / sigma ** 2)));
    const total = table([P], (i) => sum(P, (j) => near(i, j)));
    const target = table([P, P], (i, j) => near(i, j) / total(smoothing === "official" ? j : i));
    const dot = (a: Vector, b: Vector) => sum(M, (m) => a(m) * b(m));
    const norm = (a: Vector) => Math.max(Math.sqrt(dot(a, a)), 1e-8);
    const cosine = (a: Vector, b: Vector) => dot(a, b) / (norm(a) * norm(b));
    const attentive = given.patchFeatures
      ? softmax(P, (i) => cosine(x.clsFeature, (m) => x.patchFeatures(i, m)) / tau)
      : undefined;
    const weight = table([K], (i) => (dropped(i) ? (attentive ? attentive.of(x.pi1(i)) : x.attention(i)) : 0));
    const crossEntropy = (i: number) => {
      const normaliser = logSumExp(P, (j) => x.logits(i, j));
      return -sum(P, (j) => target(x.pi1(i), j) * (x.logits(i, j) - normaliser));
    };
    const loss = () => {
      const total = sum(K, weight);
      return total === 0 ? 0 : sum(K, (i) => weight(i) * crossEntropy(i)) / total;
    };
    const token = (i: number, d: number) =>
      x.embeddings(x.pi1(i), d) + (dropped(i) ? x.maskToken(d) : x.posTable(x.pi1(i), d));
    return {
      kept: x.pi1,
      dropped: (i) => Number(dropped(i)),
      smoothing: target,
      tokens: given.embeddings ? (t, d) => (t === 0 ? x.cls(d) + x.clsPos(d) : token(t - 1, d)) : undefined,
      loss: given.logits ? loss : undefined,
    };
  },
});
