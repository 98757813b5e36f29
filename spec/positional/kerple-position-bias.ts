import { choice, clamp, flag, mechanism, range, softmax, sum, table } from "../page.ts";

/**
 * KERPLE: a bias on the scores that falls with the distance of query and key along a kernel with two learned numbers per
 * head, logarithmic or a power. Chi et al. 2022, arXiv:2205.09921; their $r_1, r_2$ are $p, a$ here.
 *
 * $$ o_t = \sum_{s \in S_t} \operatorname{softmax}_{s \in S_t}\Bigl(\tfrac{q_t \cdot k_s}{\sqrt D}\, w(\delta) + b(\delta)\Bigr)\, v_s,
 *    \quad \delta = |t + T_k - T_q - s| $$
 * $$ b_{\log}(\delta) = -p \ln(1 + a\delta), \quad b_{\mathrm{power}}(\delta) = -a\,\delta^p, \quad w(\delta) = e^{-a_w \delta^{p_w}} $$
 *
 * The bias is not divided by $\sqrt D$. Of a pair $(p, a)$ or $(p_w, a_w)$ an omitted one is 1; of the power kernel both may be
 * omitted, which leaves the bias or the weight $w$ out. $w$ goes with the power kernel only. `clamp` is what the official code
 * does to its parameters at every call: none below 0.01, no exponent of the power kernel above 2. $S_t$ is the keys up to the
 * query's own place, the last query beside the last key; without `causal` all keys, with the kernel of the distance to either
 * side as in the paper (the code, always masked, would give later keys distance 0). A query that sees no key gets zeros.
 * Cost: $O(H T_q T_k (D + E))$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, a weight is given to the log kernel, or a
 * parameter is negative and not clamped.
 */
export const kerplePositionBias = mechanism({
  id: "positional/kerple-position-bias",
  name: "KERPLE relative bias (log and power kernels)",
  paper: "Chi et al., 2022, arXiv:2205.09921",
  code: "chijames/KERPLE megatron/mpu/layers.py:ParallelKerpleLog, ParallelKerplePower",
  inputs: { q: "H Tq D", k: "H Tk D", v: "H Tk E", p: "H = 1", a: "H = 1", pW: "H = 1", aW: "H = 1" },
  outputs: { out: "H Tq E" },
  options: {
    variant: choice(["log", "power"], "the kernel of the bias"),
    clamp: flag(true, "hold the parameters at 0.01 or more, and exponents of the power kernel at 2 or less"),
    causal: flag(true, "a query sees only the keys up to its own place"),
  },
  domain: { p: { usual: [0, 3] }, a: { usual: [0, 1] }, pW: { usual: [0, 3] }, aW: { usual: [0, 1] } },
  requires: { "pW and aW need variant power": (_, o, given) => o.variant === "power" || !(given.pW || given.aW) },
  expects: {
    "p, a, pW and aW must not be negative unless clamp is on": ({ p, a, pW, aW }, { H }, o) =>
      o.clamp || range(H).every((h) => Math.min(p(h), a(h), pW(h), aW(h)) >= 0),
  },
  properties: [
    { linear: "v" },
    { averages: "v", along: "Tk" },
    { independent: "H" },
    { causal: ["Tq", "Tk"], when: (n, o) => o.causal && n.Tq === n.Tk },
  ],
  run({ q, k, v, p, a, pW, aW }, { H, Tq, Tk, D }, { variant, clamp: clamped, causal }, given) {
    const held = (x: number, most = Number.POSITIVE_INFINITY) => (clamped ? clamp(x, 0.01, most) : x);
    const fall = (slope: number, exponent: number, distance: number) => held(slope) * distance ** held(exponent, 2);
    const bias = (h: number, distance: number) => {
      if (variant === "log") return -held(p(h)) * Math.log1p(held(a(h)) * distance);
      return given.p || given.a ? -fall(a(h), p(h), distance) : 0;
    };
    const weight = (h: number, distance: number) =>
      given.pW || given.aW ? Math.exp(-fall(aW(h), pW(h), distance)) : 1;
    const ahead = (t: number, s: number) => s - (t + Tk - Tq);
    const weights = table([H, Tq], (h, t) =>
      softmax(
        range(Tk).filter((s) => !causal || ahead(t, s) <= 0),
        (s) => {
          const distance = Math.abs(ahead(t, s));
          return (sum(D, (d) => q(h, t, d) * k(h, s, d)) / Math.sqrt(D)) * weight(h, distance) + bias(h, distance);
        },
      ),
    );
    return { out: (h, t, e) => sum(weights(h, t), (s, w) => w * v(h, s, e)) };
  },
});
