import { choice, flag, integer, mechanism, relu, silu, sum, table } from "../page.ts";

/**
 * BaseConv: the product of a causal convolution of the tokens, channel by channel, and a projection of the tokens; the
 * smallest gated convolution. Arora et al. 2023, arXiv:2312.04927.
 *
 * $$ y_t = \phi(c_t) \odot \phi(u_t W + b)\ [{} + u_t], \quad
 *    c_t = \sum_{r=0}^{K-1} h_{K-1-r} \odot u_{t-r} + b_h \ \text{(short)}, \quad
 *    c_t = u_t + \sum_{r \le t} h[r] \odot u_{t-r} \ \text{(long)} $$
 *
 * The residual $u_t$ is the code's, the paper's operator has none; $\phi$ is the identity, with `act` SiLU. The taps of
 * a short filter end on the token itself, those of a long one are stored by distance; it acts beside the identity. A
 * long filter is `h`, 0 beyond its taps, or $h[r] = \operatorname{ReLU}(z_r W_1 + b_1) W_2 + b_2$ of the distance, with
 * $z_r = (r/(L-1),\ \cos 10^{-4}\omega,\ -\sin 10^{-4}\omega)$ and $\omega = 2\pi r/L$ for the longest length $L$ =
 * `lMax`; the code's hidden width $A$ is 16. With a stored filter longer than the sequence the code's transform wraps
 * taps around, so that later tokens leak into earlier ones; this page does not. The last $K - 1$ tokens are the `state`
 * of a short filter; before the first token there are zeros. Cost: $O(T M (M + K))$ short, $O(T M (M + T))$ long as
 * written.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, the tokens are more than `lMax`, or
 * unless just one of `h` and the pair `fW1`, `fW2` is given, the pair only with a long and `hB` only with a short
 * kernel.
 */
export const baseConv = mechanism({
  id: "spectral/base-conv",
  name: "BaseConv (gated convolution)",
  paper: "Arora et al., 2023, arXiv:2312.04927",
  code: "HazyResearch/zoology zoology/mixers/base_conv.py:BaseConv",
  inputs: {
    u: "T M",
    h: "M K = none",
    hB: "M = 0",
    fW1: "3 A = none",
    fB1: "A = 0",
    fW2: "A M = none",
    fB2: "M = 0",
    w: "M M",
    b: "M = 0",
    state: "Ks M = 0",
  },
  outputs: { out: "T M", state: "Ks M" },
  options: {
    kernel: choice(["short", "long"], "a few taps that end on the token, or taps by distance beside the identity"),
    lMax: integer((n: { T: number }) => n.T, "L, the longest length, to which the filter network scales", { min: 1 }),
    act: flag(false, "SiLU on both factors"),
    residual: flag(true, "whether the token is added"),
  },
  axes: { Ks: (n, o) => (o.kernel === "short" ? Math.max(0, n.K - 1) : 0) },
  mayBeEmpty: ["Ks"],
  requires: {
    "lMax must be at least T": (n, o) => n.T <= o.lMax,
    "give h or both fW1 and fW2": (_, _o, given) => given.fW1 === given.fW2 && given.h !== given.fW1,
    "fB1 and fB2 need fW1": (_, _o, given) => given.fW1 || !(given.fB1 || given.fB2),
    "hB needs kernel short, fW1 kernel long": (_, o, given) => (o.kernel === "short" ? !given.fW1 : !given.hB),
  },
  properties: [
    { linear: ["w", "b"], when: (_, o) => !o.act && !o.residual, outputs: ["out"] },
    { causal: "T", outputs: ["out"] },
    { resumes: "T", states: "state", when: (_, o) => o.kernel === "short" },
  ],
  run({ u, h, hB, fW1, fB1, fW2, fB2, w, b, state }, { T, M, K, A, Ks }, { kernel, lMax, act, residual }, given) {
    const angle = (r: number) => (1e-4 * 2 * Math.PI * r) / lMax;
    const position = (r: number, j: number) => {
      if (j === 0) return r / Math.max(1, lMax - 1);
      return j === 1 ? Math.cos(angle(r)) : -Math.sin(angle(r));
    };
    const hidden = table([T, A], (r, a) => relu(sum(3, (j) => position(r, j) * fW1(j, a)) + fB1(a)));
    const made = (m: number, r: number) => sum(A, (a) => hidden(r, a) * fW2(a, m)) + fB2(m);
    const tap = table([M, T], (m, r) => (given.fW1 ? made(m, r) : r < K ? h(m, r) : 0));
    const token = (t: number, m: number) => (t < 0 ? state(Ks + t, m) : u(t, m));
    const c = table([T, M], (t, m) =>
      kernel === "short"
        ? sum(K, (r) => h(m, K - 1 - r) * token(t - r, m)) + hB(m)
        : u(t, m) + sum(t + 1, (r) => tap(m, r) * u(t - r, m)),
    );
    const gate = table([T, M], (t, m) => sum(M, (j) => u(t, j) * w(j, m)) + b(m));
    const phi = (a: number) => (act ? silu(a) : a);
    return {
      out: (t, m) => phi(c(t, m)) * phi(gate(t, m)) + (residual ? u(t, m) : 0),
      state: (j, m) => token(T - Ks + j, m),
    };
  },
});
