import { mechanism, range, real, relu, softmax, sum, table } from "../page.ts";

/**
 * FIRE, functional interpolation of relative positions: the bias is a small network of the distance, measured on a
 * logarithmic scale and divided by the query's own position, so that longer sequences stay within the range seen in
 * training. Li et al. 2023, arXiv:2310.04418.
 *
 * $$ \psi(x) = \ln(|c\,x| + 1), \quad r_{t,s} = \frac{\psi(p_t - s)}{\psi(\max(p_t, |\ell L_0|)) + \varepsilon}, \quad
 *    b_{h,t,s} = b^2_h + \sum_a w^2_{a,h} \operatorname{relu}(w^1_a r_{t,s} + b^1_a) $$
 * $$ o_{h,t} = \sum_{s \in S_t} \operatorname{softmax}_{s \in S_t}\Bigl(\frac{q_{h,t} \cdot k_{h,s}}{\sqrt D} + b_{h,t,s}\Bigr)\, v_{h,s},
 *    \quad p_t = t + T_k - T_q $$
 *
 * $S_t$ is the keys $s \le p_t$. $c$ and $\ell$ are learned (0.1 and 1 at the start), and so is the threshold below
 * which positions are not told apart by the normaliser. `bias` is 0 at keys that are not seen. A query that sees no
 * key gets zeros. The authors' module stands in the paper's appendix; the code read is a copy of it that others run.
 * Cost: $O(H T_q T_k (D + E + A))$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ.
 */
export const firePositionBias = mechanism({
  id: "positional/fire-position-bias",
  name: "FIRE (functional interpolation for relative position encoding)",
  paper: "Li et al., 2023, arXiv:2310.04418",
  code: "mcleish7/arithmetic cramming/architectures/embeddings.py:FIRE",
  inputs: {
    q: "H Tq D",
    k: "H Tk D",
    v: "H Tk E",
    c: "",
    lMul: "",
    w1: "1 A",
    b1: "A",
    w2: "A H",
    b2: "H",
  },
  outputs: { out: "H Tq E", bias: "H Tq Tk" },
  options: {
    l0: real(512, "L₀, the threshold before it is learned", { min: 0, tried: [0, 2] }),
    eps: real(1e-6, "ε, added to the normaliser", { above: 0, tried: [0.25] }),
  },
  mayBeEmpty: ["Tk"],
  properties: [
    { linear: "v", outputs: ["out"] },
    { linear: ["w2", "b2"], outputs: ["bias"] },
    { averages: "v", along: "Tk", outputs: ["out"] },
    { equivariant: "H" },
    { even: "c" },
    { even: "lMul" },
    { causal: ["Tq", "Tk"], when: (n) => n.Tq === n.Tk },
  ],
  run({ q, k, v, c, lMul, w1, b1, w2, b2 }, { H, Tq, Tk, D, A }, { l0, eps }) {
    const place = (t: number) => t + Tk - Tq;
    const psi = (x: number) => Math.log(Math.abs(c() * x) + 1);
    const distance = table(
      [Tq, Tk],
      (t, s) => psi(place(t) - s) / (psi(Math.max(place(t), Math.abs(lMul() * l0))) + eps),
    );
    const bias = table([H, Tq, Tk], (h, t, s) =>
      s <= place(t) ? b2(h) + sum(A, (a) => w2(a, h) * relu(w1(0, a) * distance(t, s) + b1(a))) : 0,
    );
    const weights = table([H, Tq], (h, t) =>
      softmax(
        range(Tk).filter((s) => s <= place(t)),
        (s) => sum(D, (d) => q(h, t, d) * k(h, s, d)) / Math.sqrt(D) + bias(h, t, s),
      ),
    );
    return { out: (h, t, e) => sum(weights(h, t), (s, w) => w * v(h, s, e)), bias };
  },
});
