/** A page of the functions of rows. */
import { layerNorm } from "../../spec/page/norms.ts";
import { logSumExp, mechanism, real, rmsNorm, softmax, sum, table } from "../../spec/page.ts";

/** All that is one number or vector of a row. */
export const rows = mechanism({
  id: "test/rows",
  name: "Functions of rows",
  paper: "none",
  inputs: { x: "T D", residual: "T D", weight: "D", bias: "D" },
  outputs: { shares: "T D", lse: "T", rms: "T D", layer: "T D", length: "T D", added: "T D", later: "T D" },
  options: {
    epsilon: real(1e-5, "ε", { above: 0, tried: [1e-12, 0.5] }),
    offset: real(0, "added to the weight", { tried: [1] }),
  },
  tried: { D: [1, 2, 3, 4, 5, 7, 8, 9] },
  run({ x, residual, weight, bias }, { T, D }, { epsilon, offset }) {
    const row = (t: number) => (d: number) => x(t, d);
    const shares = table([T], (t) => softmax(D, row(t)));
    const gained = (f: (d: number) => number) => (d: number) => f(d) * (offset + weight(d)) + bias(d);
    const added = table([T, D], (t, d) => x(t, d) + residual(t, d));
    const rms = table([T], (t) => gained(rmsNorm(D, row(t), epsilon)));
    const layer = table([T], (t) => gained(layerNorm(D, row(t), epsilon)));
    const later = table([T], (t) => rmsNorm(D, (d) => added(t, d), epsilon));
    const length = table([T], (t) => Math.max(Math.sqrt(sum(D, (d) => x(t, d) ** 2)), epsilon));
    return {
      shares: (t, d) => sum(shares(t), (s, w) => (s === d ? w : 0)),
      lse: (t) => logSumExp(D, row(t)),
      rms: (t, d) => rms(t)(d),
      layer: (t, d) => layer(t)(d),
      length: (t, d) => x(t, d) / length(t),
      added,
      later: (t, d) => later(t)(d),
    };
  },
});
