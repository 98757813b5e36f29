import { choice, flag, maximum, mechanism, real, relu, scan, sum, table } from "../page.ts";

/**
 * Performer attention (FAVOR+): random positive features whose products are, on average, the softmax's exponentials,
 * read as in linear attention. One head. Choromanski et al. 2020, arXiv:2009.14794, §2.3–2.4.
 *
 * $$ u(x) = D^{-1/4}\, W x, \quad
 *    \phi_j(x) = N^{-1/2} \Bigl(e^{u_j(x) - \frac{\|x\|^2}{2\sqrt D} - m} + \varepsilon\Bigr) $$
 * $$ o_t = \frac{\phi(q_t)^\top \sum_{s \in S_t} \phi(k_s)\, v_s^\top}
 *    {\phi(q_t) \cdot \bigl(\sum_{s \in S_t} \phi(k_s) + \delta\bigr)} $$
 *
 * The rows of $W$ = `wP` are normal random vectors, by blocks of $D$ made orthogonal and given back the lengths of
 * normal vectors; a model has $\lfloor D \ln D \rfloor$ of them and draws them anew now and then. $m$ keeps the
 * exponentials small: for a query $\max_j u_j$, for the keys one maximum over all keys and features. Both cancel but
 * for ε. So with `causal` a key to come acts on the ones before by way of $\varepsilon e^m$; without `stabilised`
 * ($m = 0$) it does not, and with $\varepsilon = 0$ besides
 * $\mathbb E\,\phi(q) \cdot \phi(k) = e^{q \cdot k / \sqrt D}$. The other kernel, `relu`, has $\phi = \max(u, 0)$ +
 * `reluEps` without the factor $N^{-1/2}$. δ stands only in the causal form; $S_t$ is all keys, or with `causal` those
 * with $s \le t + T_k - T_q$. `state` $\sum \phi(k) v^\top$ and `z` $\sum \phi(k)$ come out after all keys and go in
 * again.
 *
 * This is the widespread PyTorch port. The authors' JAX code takes $\varepsilon = 10^{-6}$, guards the denominator only
 * where it is that small, and does not scale the inputs of the `relu` kernel. Cost: $O((T_q + T_k) N (D + E))$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ.
 */
export const performerFavor = mechanism({
  id: "linear/performer-favor",
  name: "Performer attention (FAVOR+)",
  paper: "Choromanski et al., 2020, arXiv:2009.14794",
  code: "lucidrains/performer-pytorch performer_pytorch/performer_pytorch.py:FastAttention",
  inputs: { q: "Tq D", k: "Tk D", v: "Tk E", wP: "N D", state: "N E = 0", z: "N = 0" },
  outputs: { out: "Tq E", state: "N E", z: "N" },
  options: {
    kernel: choice(["softmax", "relu"], "which positive features"),
    causal: flag(false, "a query sees only the keys up to its own place"),
    stabilised: flag(true, "whether the largest exponent m is taken out"),
    eps: real(1e-4, "ε, added to the exponentials", { min: 0, tried: [0, 0.25] }),
    reluEps: real(1e-3, "what the relu kernel adds to each feature", { above: 0, tried: [0.25] }),
    denominatorEps: real(1e-6, "δ, added to each feature of the summed keys if causal", { min: 0, tried: [0.5] }),
  },
  domain: { z: { usual: [0, 3] } },
  properties: [
    { linear: ["v", "state"], outputs: ["out", "state"] },
    { averages: "v", along: "Tk", outputs: ["out"], when: (_, o, given) => !o.causal && !given.z && !given.state },
    { unordered: "Tk", when: (_, o) => !o.causal },
    { independent: "Tq", when: (_, o) => !o.causal },
    {
      causal: ["Tq", "Tk"],
      outputs: ["out"],
      when: (n, o) => o.causal && n.Tq === n.Tk && (o.kernel === "relu" || !o.stabilised),
    },
    { even: ["q", "k", "wP"] },
  ],
  run({ q, k, v, wP, state, z }, { Tq, Tk, D, E, N }, options) {
    const { kernel, causal, stabilised, eps, reluEps, denominatorEps } = options;
    type Rows = (t: number, i: number) => number;
    const projected = (T: number, x: Rows) => table([T, N], (t, j) => sum(D, (d) => wP(j, d) * x(t, d)) / D ** 0.25);
    const features = (T: number, x: Rows, u: Rows, m: (t: number) => number) =>
      table([T, N], (t, j) => {
        if (kernel === "relu") return relu(u(t, j)) + reluEps;
        const half = sum(D, (d) => x(t, d) ** 2) / (2 * Math.sqrt(D));
        return (Math.exp(u(t, j) - half - (stabilised ? m(t) : 0)) + eps) / Math.sqrt(N);
      });
    const [uQ, uK] = [projected(Tq, q), projected(Tk, k)];
    const top = maximum(Tk, (s) => maximum(N, (j) => uK(s, j)));
    const phiQ = features(Tq, q, uQ, (t) => maximum(N, (j) => uQ(t, j)));
    const phiK = features(Tk, k, uK, () => top);

    const S = scan(Tk, table([N, E], state), (before, s) =>
      table([N, E], (j, e) => before(j, e) + phiK(s, j) * v(s, e)),
    );
    const Z = scan(Tk, table([N], z), (before, s) => table([N], (j) => before(j) + phiK(s, j)));
    const seen = (t: number) => (causal ? Math.max(0, t + 1 + Tk - Tq) : Tk);
    const delta = causal ? denominatorEps : 0;
    const size = table([Tq], (t) => sum(N, (j) => phiQ(t, j) * (Z(seen(t))(j) + delta)));
    return {
      out: (t, e) => sum(N, (j) => phiQ(t, j) * S(seen(t))(j, e)) / size(t),
      state: S(Tk),
      z: Z(Tk),
    };
  },
});
