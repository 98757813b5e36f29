import { choice, integer, maximum, mechanism, numbers, range, real, rmsNorm, sum, table } from "../page.ts";

/**
 * Visual attention redistribution (VAR): in heads that look at the image, part of the attention spent on sink tokens is
 * given to the other image tokens, in proportion to what these have. Works on finished attention weights, at inference,
 * without training. Kang et al. 2025, arXiv:2503.03321.
 *
 * $$ s \in \mathcal S \iff
 *    \max_{m \in \mathcal D} \frac{\lvert x_{s,m} \rvert}{\sqrt{\overline{x_s^2} + 10^{-6}}} > \tau,
 *    \quad \mathcal V = \text{the image}, \quad \mathcal N = \mathcal V \setminus \mathcal S $$
 * $$ a'_{h,t,s} = \begin{cases} p\, a_{h,t,s} & s \in \mathcal S \\
 *    a_{h,t,s} + (1 - p)\, \frac{\sum_{r \in \mathcal S} a_{h,t,r}}{\sum_{r \in \mathcal N} a_{h,t,r}}\,
 *    a_{h,t,s} & s \in \mathcal N \\
 *    a_{h,t,s} & \text{else} \end{cases} \quad\text{where}\quad
 *    \frac{\sum_{\mathcal V \cap \mathcal S} a_{h,t,s}}{\sum_{\mathcal V} (a_{h,t,s} + 10^{-6})} \le \rho, \quad
 *    \sum_{\mathcal V} a_{h,t,s} \ge \theta $$
 *
 * Other rows stay, and all do where no image token is a sink. $x$ is the hidden states of the $T$ tokens of the prompt
 * at the layer's input; while decoding, `attn` has more columns than that and the sinks stay those of the prompt.
 * $\mathcal D$ = `dims` are the model's sink dimensions (1415 and 2533 in LLaMA 2 7B, 2100 and 4743 in 13B) and the
 * image is `imageLength` tokens from `imageStart`; neither has a default in the paper, here all of it is taken. In
 * `prefill` only rows behind the image may change. Models apply it from the third layer on. The paper asks that the
 * part of the non-sinks be at least $\rho$, the official code that of the sinks be at most $\rho$, the same at
 * $\rho = \tfrac12$ only; this page follows the code, also in that sinks outside the image give but do not get. Where
 * no attention falls on $\mathcal N$ the code divides zero by zero; here the row stays. With `v` the output of the
 * layer's heads is returned too. Cost: $O(H T_q T_k)$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, or the image or `dims` lie outside.
 */
export const visualAttentionRedistribution = mechanism({
  id: "score/visual-attention-redistribution",
  name: "Visual attention redistribution (VAR)",
  paper: "Kang et al., 2025, arXiv:2503.03321",
  code: "seilk/VisAttnSink src/logic/logic.py:VARProcessor.attn_redist",
  inputs: { attn: "H Tq Tk", x: "T M", v: "H Tk E = none" },
  outputs: { attn: "H Tq Tk", out: "H Tq E = none" },
  options: {
    tau: real(20, "τ, the size of a normed sink dimension beyond which a token is a sink", { tried: [0.75, 1] }),
    rho: real(0.5, "ρ, the largest part of the attention on the image that may lie on its sinks", { tried: [0.75] }),
    theta: real(0.2, "θ, the least attention on the image", { tried: [1] }),
    p: real(0.6, "p, the part of their attention that sinks keep", { min: 0, max: 1, tried: [0, 1] }),
    imageStart: integer(0, "the place of the first image token", { min: 0, tried: [0, 1] }),
    imageLength: integer((n: { T: number }) => n.T, "the number of image tokens", { min: 0, tried: [1, 2, 3] }),
    dims: numbers((n: { M: number }) => range(n.M), "𝒟, the sink dimensions", { whole: true, tried: [[0], [1, 0]] }),
    phase: choice(["prefill", "decode"], "whether only rows behind the image may change, or all"),
  },
  domain: { attn: { usual: [0, 1] } },
  requires: {
    "T must be at most Tk": (n) => n.T <= n.Tk,
    "imageStart + imageLength must be at most T": (n, o) => o.imageStart + o.imageLength <= n.T,
    "dims must be places of M": (n, o) => o.dims.every((m) => m >= 0 && m < n.M),
  },
  properties: [
    { linear: "v", outputs: ["out"], when: (_, __, given) => given.v === true },
    { independent: "H" },
    { independent: "Tq", when: (_, o) => o.phase === "decode" },
  ],
  run({ attn, x, v }, { H, Tq, Tk, T, M }, { tau, rho, theta, p, imageStart, imageLength, dims, phase }, given) {
    const normed = table([T], (s) => rmsNorm(M, (m) => x(s, m), 1e-6));
    const sinks = range(T).filter((s) => maximum(dims, (m) => Math.abs(normed(s)(m))) > tau);
    const image = range(imageStart, imageStart + imageLength);
    const imageSinks = image.filter((s) => sinks.includes(s)),
      others = image.filter((s) => !sinks.includes(s));
    const on = (h: number, t: number, places: readonly number[]) => sum(places, (s) => attn(h, t, s));
    const changes = table(
      [H, Tq],
      (h, t) =>
        imageSinks.length > 0 &&
        (phase === "decode" || t >= imageStart + imageLength) &&
        on(h, t, imageSinks) / sum(image, (s) => attn(h, t, s) + 1e-6) <= rho &&
        on(h, t, image) >= theta &&
        on(h, t, others) > 0,
    );
    const moved = table([H, Tq, Tk], (h, t, s) => {
      const a = attn(h, t, s);
      if (!changes(h, t)) return a;
      if (sinks.includes(s)) return p * a;
      return others.includes(s) ? a + ((1 - p) * on(h, t, sinks) * a) / on(h, t, others) : a;
    });
    return {
      attn: moved,
      out: given.v ? (h, t, e) => sum(Tk, (s) => moved(h, t, s) * v(h, s, e)) : undefined,
    };
  },
});
