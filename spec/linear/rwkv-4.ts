import { mechanism, scan, sigmoid, sum, table } from "../page.ts";

/**
 * RWKV-4 time mixing: every channel takes an average of its values so far, weighted by $e^k$ and by age, with a bonus
 * for the token itself; a gate opens on the result. Attention without queries. Peng et al. 2023, arXiv:2305.13048.
 *
 * $$ x^\bullet_t = \mu_\bullet \odot x_t + (1 - \mu_\bullet) \odot x_{t-1}, \quad k = x^k W^K, \quad v = x^v W^V, \quad
 *    r = \operatorname{sigmoid}(x^r W^R), \quad w = e^{w_{\mathrm{raw}}} $$
 * $$ \mathrm{wkv}_t = \frac{\sum_{i<t} e^{-(t-1-i)w + k_i} v_i + e^{u + k_t} v_t}
 *    {\sum_{i<t} e^{-(t-1-i)w + k_i} + e^{u + k_t}}, \quad
 *    y_t = (r_t \odot \mathrm{wkv}_t)\, W^O $$
 *
 * The token before the first is `last`, zeros by default. The sums are carried as $a e^p$ and $b e^p$, so that nothing
 * overflows, with $p$ the largest exponent seen, itself fading by $w$; $p = -\infty$ at the start ($-10^{38}$ in the
 * code):
 *
 * $$ \mathrm{wkv}_t = \frac{e^{p - m} a + e^{u + k_t - m} v_t}{e^{p - m} b + e^{u + k_t - m}}, \quad
 *    m = \max(p, u + k_t), \quad a' = e^{p - w - p'} a + e^{k_t - p'} v_t, \quad p' = \max(p - w, k_t) $$
 *
 * and $b'$ like $a'$ with 1 for $v$. The other half of a block, channel mixing, is `linear/rwkv-4-channel-mixing`.
 * Cost: $O(T A)$ beside the projections.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ.
 */
export const rwkv4 = mechanism({
  id: "linear/rwkv-4",
  name: "RWKV-4 time mixing (WKV)",
  paper: "Peng et al., 2023, arXiv:2305.13048",
  code: "huggingface/transformers src/transformers/models/rwkv/modeling_rwkv.py:RwkvSelfAttention",
  inputs: {
    x: "T M",
    muK: "M",
    muV: "M",
    muR: "M",
    wRaw: "A",
    u: "A",
    wK: "M A",
    wV: "M A",
    wR: "M A",
    wO: "A Mo",
    last: "M = 0",
    a: "A = 0",
    b: "A = 0",
    p: "A = -Infinity",
  },
  outputs: { out: "T Mo", last: "M", a: "A", b: "A", p: "A" },
  options: {},
  domain: { muK: { usual: [0, 1] }, muV: { usual: [0, 1] }, muR: { usual: [0, 1] }, b: { usual: [0, 3] } },
  properties: [
    { linear: "wO", outputs: ["out"] },
    { causal: "T", outputs: ["out"] },
    { resumes: "T", states: ["last", "a", "b", "p"] },
  ],
  run({ x, muK, muV, muR, wRaw, u, wK, wV, wR, wO, last, a, b, p }, { T, M, A }) {
    const shifted = (t: number, m: number) => (t === 0 ? last(m) : x(t - 1, m));
    const from = (mu: (m: number) => number, w: (m: number, c: number) => number) => {
      const mixed = table([T, M], (t, m) => mu(m) * x(t, m) + (1 - mu(m)) * shifted(t, m));
      return table([T, A], (t, c) => sum(M, (m) => mixed(t, m) * w(m, c)));
    };
    const [k, v, r] = [from(muK, wK), from(muV, wV), from(muR, wR)];
    const exponent = scan(T, table([A], p), (before, t) =>
      table([A], (c) => Math.max(before(c) - Math.exp(wRaw(c)), k(t, c))),
    );
    const carried = (start: (c: number) => number, value: (t: number, c: number) => number) =>
      scan(T, table([A], start), (before, t) =>
        table([A], (c) => {
          const top = exponent(t + 1)(c);
          const faded = Math.exp(exponent(t)(c) - Math.exp(wRaw(c)) - top);
          return faded * before(c) + Math.exp(k(t, c) - top) * value(t, c);
        }),
      );
    const [above, below] = [carried(a, v), carried(b, () => 1)];
    const wkv = table([T, A], (t, c) => {
      const [past, own] = [exponent(t)(c), u(c) + k(t, c)];
      const top = Math.max(past, own);
      const [before, now] = [Math.exp(past - top), Math.exp(own - top)];
      return (before * above(t)(c) + now * v(t, c)) / (before * below(t)(c) + now);
    });
    const y = table([T, A], (t, c) => sigmoid(r(t, c)) * wkv(t, c));
    return {
      out: (t, m) => sum(A, (c) => y(t, c) * wO(c, m)),
      last: (m) => x(T - 1, m),
      a: above(T),
      b: below(T),
      p: exponent(T),
    };
  },
});
