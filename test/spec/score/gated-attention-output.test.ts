import { scaledDotProductAttention as attention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { groupedQueryAttention } from "../../../spec/heads/grouped-query-attention.ts";
import { rotaryPositionEmbedding } from "../../../spec/positional/rotary-position-embedding.ts";
import { gatedAttentionOutput as gated } from "../../../spec/score/gated-attention-output.ts";
import { at, cases, edit, example, fail, law, pick, same, specify, type Tensor, tensor } from "../../kit.ts";

specify(gated);

const three = Math.log(3);
const two = [
  [1, 0],
  [0, 1],
];
example(
  "gates ¾ and ½ by channel",
  gated,
  { x: [[1]], wQ: [[1, 1]], wK: [[1, 1]], wV: [[8, 16]], wO: two, wG: [[three, 0]] },
  { out: [[6, 8]] },
);
example(
  "silu: ln 3 · ¾ and 0",
  gated,
  { x: [[1]], wQ: [[1, 1]], wK: [[1, 1]], wV: [[8, 16]], wO: two, wG: [[three, 0]] },
  { out: [[6 * three, 0]] },
  { activation: "silu" },
);
example(
  "headwise, two query heads on one key head: gates ¾ and ½",
  gated,
  { x: [[1]], wQ: [[1, 1]], wK: [[1]], wV: [[8]], wO: two, wG: [[three, 0]] },
  { out: [[6, 4]] },
  { heads: 2, granularity: "headwise" },
);
const scores = { x: [[1, 0], two[1]!], wO: [[1]], wG: [[0], [0]] };
example(
  "causal by default; scores ln 3 and 0 at D = 4: the second token takes ¾ · 8, gated by ½",
  gated,
  {
    ...scores,
    wQ: [
      [1, 1, 1, 1],
      [1, 1, 1, 1],
    ],
    wK: [
      [three, three, 0, 0],
      [0, 0, 0, 0],
    ],
    wV: [[8], [0]],
  },
  { out: [[4], [3]] },
);
const unit = Math.sqrt(4 + 1e-6);
const sharp = 1 / (1 + Math.exp((-2 * 3 * 4) / unit ** 2));
example(
  "keys 2 and −2 and queries of 2 are normalised to nearly ±1, the gains 3 and 1 with `rms` multiply",
  gated,
  { ...scores, wQ: [[2], [2]], wK: [[2], [-2]], wV: [[8], [0]], gQ: [3] },
  { out: [[4], [4 * sharp]] },
  { qkNorm: "rms" },
);
const sharper = 1 / (1 + Math.exp((-2 * 4 * 1.5 * 4) / unit ** 2));
example(
  "… and with `rms1p` one is added to them",
  gated,
  { ...scores, wQ: [[2], [2]], wK: [[2], [-2]], wV: [[8], [0]], gQ: [3], gK: [0.5] },
  { out: [[4], [4 * sharper]] },
  { qkNorm: "rms1p" },
);

example(
  "half of one feature is none: nothing turns",
  gated,
  { ...scores, wQ: [[three], [three]], wK: [[1], [0]], wV: [[8], [0]] },
  { out: [[4], [3]] },
  { ropeTheta: 100, partialRotary: 0.5 },
);

law("a gain without a norm is refused", cases(gated, { options: { qkNorm: "none" } }), ({ x, n, o }) => {
  const gain = tensor([n.D], () => 1);
  for (const more of [{ gQ: gain }, { gK: gain }]) {
    let refused = false;
    try {
      gated({ ...x, ...more }, o);
    } catch {
      refused = true;
    }
    if (!refused) fail(`${Object.keys(more)[0]} was taken`);
  }
});
law(
  "gates of zero weight give half of grouped-query attention",
  cases(gated, { options: { qkNorm: "none", ropeTheta: Infinity, activation: "sigmoid" } }),
  ({ x: { x, wQ, wK, wV, wO, wG }, n, o }) => {
    const shut = edit(wG, () => 0);
    const plain = groupedQueryAttention({ x, wQ, wK, wV, wO }, { heads: o.heads, kvHeads: n.Hk, causal: o.causal }).out;
    same(
      gated({ x, wQ, wK, wV, wO, wG: shut }, o).out,
      edit(plain, (y) => y / 2),
    );
  },
);
law(
  "a headwise gate is an elementwise one with equal columns",
  cases(gated, { options: { granularity: "headwise" } }),
  ({ x, n, o }) => {
    const wG = pick(x.wG, 1, n.Hq * n.E, (c) => Math.floor(c / n.E));
    same(gated({ ...x, wG }, { ...o, granularity: "elementwise" }).out, gated(x, o).out);
  },
);
const indices = (n: number) => Array.from({ length: n }, (_, i) => i);
const project = (x: Tensor, w: Tensor, from: number, width: number) =>
  tensor([x.shape[0]!, width], (t, d) =>
    indices(w.shape[0]!).reduce((sum, m) => sum + at(x, t, m) * at(w, m, from + d), 0),
  );
law(
  "each head is attention of its normalised, then turned queries and keys, times its gate",
  cases(gated, { options: { granularity: "elementwise", activation: "sigmoid" } }),
  ({ x, n, o }) => {
    const R = Math.floor(o.partialRotary * n.D);
    const ready = (y: Tensor, gain: Tensor | undefined) => {
      const root = (t: number) =>
        Math.sqrt(indices(n.D).reduce((sum, d) => sum + at(y, t, d) ** 2, 0) / n.D + o.normEps);
      const g = (d: number) => (gain ? at(gain, d) + (o.qkNorm === "rms1p" ? 1 : 0) : 1);
      const normal = o.qkNorm === "none" ? y : edit(y, (value, t, d) => (g(d!) * value) / root(t!));
      const positions = tensor([n.T], (t) => t);
      return o.ropeTheta === Infinity
        ? normal
        : rotaryPositionEmbedding({ x: normal, positions }, { base: o.ropeTheta, rotaryDim: R }).out;
    };
    const joined = indices(n.Hq).map((h) => {
      const g = Math.floor(h / (n.Hq / n.Hk));
      const out = attention(
        {
          q: ready(project(x.x, x.wQ, h * n.D, n.D), x.gQ),
          k: ready(project(x.x, x.wK, g * n.D, n.D), x.gK),
          v: project(x.x, x.wV, g * n.E, n.E),
        },
        { causal: o.causal },
      ).out;
      const gate = project(x.x, x.wG, h * n.E, n.E);
      return edit(out, (y, t, e) => y / (1 + Math.exp(-at(gate, t!, e!))));
    });
    const whole = tensor([n.T, n.Hq * n.E], (t, c) => at(joined[Math.floor(c / n.E)]!, t, c % n.E));
    same(gated(x, o).out, project(whole, x.wO, 0, n.Mo));
  },
  30,
);
