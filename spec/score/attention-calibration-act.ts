import { flag, mechanism, range, real, sum, table } from "../page.ts";

/**
 * Attention calibration (ACT): in a causal attention map, columns after the first sink that receive too much attention
 * are scaled down, and each row gives what is freed to its other columns in proportion. One head; the heads to
 * calibrate are chosen beforehand. Yu et al. 2024, arXiv:2406.15765.
 *
 * $$ a_s = \frac{1}{T - s} \sum_{t \ge s} A_{t,s}, \quad \{a_s > \tau\} = \{s_0 < s_1 < \dots\}, \quad S = \{s_1, s_2, \dots\} $$
 * $$ A'_{t,s} = \begin{cases} \beta A_{t,s} & s \in S \\ A_{t,s} + (1 - \beta)\, \dfrac{\sum_{r \in S} A_{t,r}}{\sum_{r \notin S} A_{t,r}}\, A_{t,s} & s \notin S \end{cases},
 *    \quad o_t = \sum_{s \le t} A'_{t,s}\, v_s $$
 *
 * $s_0$, the first column above $\tau$ wherever it stands, is spared; with `keepFirstSink` off (an extension of this
 * page) it is scaled down too. A row whose attention is all in $S$ is left as it is, where the official code divides by
 * zero. Entries above the diagonal are taken as zero. The map stays causal, but $S$ depends on all rows. $\tau$ is the
 * paper's $5/T$ by default; the official code is told $\tau$ and $\beta$ from outside. Cost: $O(T^2 E)$.
 * Throws {@link PageError}, naming the argument, if `attn` is not square, holds anything outside $[0, 1]$, or differs
 * from `v` in length.
 */
export const attentionCalibrationAct = mechanism({
  id: "score/attention-calibration-act",
  name: "Attention calibration (ACT)",
  paper: "Yu et al., 2024, arXiv:2406.15765",
  code: "GATECH-EIC/ACT models/llama_modelling_aug.py:atten_process_eval",
  inputs: { attn: "T T", v: "T E" },
  outputs: { attn: "T T", out: "T E" },
  options: {
    tau: real((n: { T: number }) => 5 / n.T, "τ, the mean attention beyond which a column is a sink", {
      tried: [0.25, 0.5],
    }),
    beta: real(0.4, "β, the factor on the sinks", { min: 0, max: 1, tried: [0, 1] }),
    keepFirstSink: flag(true, "the first sink is spared"),
  },
  domain: { attn: { within: [0, 1] } },
  properties: [{ linear: "v", outputs: ["out"] }],
  run({ attn, v }, { T }, { tau, beta, keepFirstSink }) {
    const received = table([T], (s) => sum(range(s, T), (t) => attn(t, s)) / (T - s));
    const sinks = range(T).filter((s) => received(s) > tau);
    const lowered = new Set(sinks.slice(keepFirstSink ? 1 : 0));
    const freed = table([T], (t) => (1 - beta) * sum(range(t + 1), (s) => (lowered.has(s) ? attn(t, s) : 0)));
    const kept = table([T], (t) => sum(range(t + 1), (s) => (lowered.has(s) ? 0 : attn(t, s))));
    const calibrated = table([T, T], (t, s) => {
      if (s > t) return 0;
      if (kept(t) === 0) return attn(t, s);
      return lowered.has(s) ? beta * attn(t, s) : attn(t, s) + (freed(t) / kept(t)) * attn(t, s);
    });
    return { attn: calibrated, out: (t, e) => sum(T, (s) => calibrated(t, s) * v(s, e)) };
  },
});
