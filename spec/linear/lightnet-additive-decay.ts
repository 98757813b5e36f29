import { flag, integer, logAddExp, mechanism, real, rmsNorm, scan, silu, sum, table } from "../page.ts";

/**
 * LightNet attention: linear attention whose keys, for every channel, are a softmax over the tokens so far, kept up by
 * a running sum; the decay follows from that sum, and no head needs one of its own. The layer. Qin et al. 2024,
 * arXiv:2405.21022.
 *
 * $$ q = \operatorname{silu}(x W^Q), \quad k = x W^K, \quad v = x W^V, \quad
 *    z_t = \ln \bigl(e^{z_{t-1}} + e^{k_t}\bigr), \quad
 *    S_t = \operatorname{diag}(e^{z_{t-1} - z_t})\, S_{t-1} + e^{k_t - z_t}\, v_t^\top $$
 * $$ o_t = \sigma S_t^\top q_t
 *    = \sigma \sum_{s \le t} \sum_d q_{t,d}\, \operatorname{softmax}_{s \le t}(k_{s,d})\, v_s, \quad
 *    y_t = \bigl(\operatorname{silu}(x_t G_1 G_2) \odot \nu \odot \operatorname{RMSNorm}(o_t)\bigr) W^O $$
 *
 * Without `causal` every token reads the last $S$, so that the order is immaterial and images need one pass. The
 * running sum starts at 0 ($z_{-1} = -\infty$), as in flash-linear-attention; `initOne` starts it at 1, as in the
 * authors' later code. `state` and `z` are carried together: a `state` without `z` is refused. ε is $10^{-6}$ whatever
 * that library's layer is told, since it does not pass it on. Cost: $O(T H D E)$ beside the projections.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, a weight does not divide into heads,
 * or `state` comes without `z`.
 */
export const lightnetAdditiveDecay = mechanism({
  id: "linear/lightnet-additive-decay",
  name: "LightNet attention (additive decay)",
  paper: "Qin et al., 2024, arXiv:2405.21022",
  code: "fla-org/flash-linear-attention fla/layers/lightnet.py:LightNetAttention",
  inputs: {
    x: "T M",
    wQ: "M (H D)",
    wK: "M (H D)",
    wV: "M (H E)",
    g1: "M R",
    g2: "R (H E)",
    norm: "(H E) = 1",
    wO: "(H E) Mo",
    state: "H D E = 0",
    z: "H D = none",
  },
  outputs: { out: "T Mo", state: "H D E", z: "H D" },
  options: {
    heads: integer(1, "H, the number of heads", { min: 1, tried: [1, 2, 3] }),
    scale: real((n: { D: number }) => 1 / Math.sqrt(n.D), "σ, the factor on the queries", { tried: [1] }),
    causal: flag(true, "whether token t sees only the tokens s ≤ t"),
    initOne: flag(false, "whether the running sum starts at 1 rather than 0"),
    eps: real(1e-6, "ε of the norm", { above: 0, tried: [0.5] }),
  },
  axes: { H: (_, o) => o.heads },
  tried: { T: [1, 2, 4], M: [1, 2], Mo: [1, 2], D: [1, 2, 3], E: [1, 2, 3], R: [1, 2] },
  requires: { "state needs z": (_, __, given) => given.z || !given.state },
  properties: [
    { linear: "wO", outputs: ["out"] },
    { causal: "T", outputs: ["out"], when: (_, o) => o.causal },
    { equivariant: "T", when: (_, o) => !o.causal },
    { resumes: "T", states: ["state", "z"], when: (_, o) => o.causal },
  ],
  run({ x, wQ, wK, wV, g1, g2, norm, wO, state, z: z0 }, { T, M, H, D, E, R }, o, given) {
    const projected = (w: (m: number, h: number, d: number) => number, width: number) =>
      table([T, H, width], (t, h, d) => sum(M, (m) => x(t, m) * w(m, h, d)));
    const [query, k, v] = [projected(wQ, D), projected(wK, D), projected(wV, E)];
    const start = o.initOne ? 0 : Number.NEGATIVE_INFINITY;
    const z = scan(
      T,
      table([H, D], (h, d) => (given.z ? z0(h, d) : start)),
      (before, t) => table([H, D], (h, d) => logAddExp(before(h, d), k(t, h, d))),
    );
    const S = scan(T, table([H, D, E], state), (before, t) => {
      const fade = table([H, D], (h, d) => Math.exp(z(t)(h, d) - z(t + 1)(h, d)));
      const share = table([H, D], (h, d) => Math.exp(k(t, h, d) - z(t + 1)(h, d)));
      return table([H, D, E], (h, d, e) => fade(h, d) * before(h, d, e) + share(h, d) * v(t, h, e));
    });
    const q = table([T, H, D], (t, h, d) => silu(query(t, h, d)));
    const seen = (t: number) => S(o.causal ? t + 1 : T);
    const read = table([T, H, E], (t, h, e) => o.scale * sum(D, (d) => q(t, h, d) * seen(t)(h, d, e)));
    const normed = table([T], (t) => rmsNorm(H * E, (i) => read(t, Math.floor(i / E), i % E), o.eps));
    const low = table([T, R], (t, r) => sum(M, (m) => x(t, m) * g1(m, r)));
    const gate = table([T, H, E], (t, h, e) => silu(sum(R, (r) => low(t, r) * g2(r, h, e))));
    const y = table([T, H, E], (t, h, e) => gate(t, h, e) * norm(h, e) * normed(t)(h * E + e));
    return {
      out: (t, m) => sum(H, (h) => sum(E, (e) => y(t, h, e) * wO(h, e, m))),
      state: S(T),
      z: z(T),
    };
  },
});
