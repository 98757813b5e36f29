import { scaledDotProductAttention as attention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { multiHeadLatentAttention as mla } from "../../../spec/heads/multi-head-latent-attention.ts";
import { rotaryPositionEmbedding as rope } from "../../../spec/positional/rotary-position-embedding.ts";
import { cases, edit, example, join, law, pick, reshape, same, span, specify, type Tensor, tensor } from "../../kit.ts";

const sized = { dn: 2, dv: 3 };
specify(mla, { fixed: { options: sized } });

const log3 = Math.log(3);
const undone = Math.sqrt(1 + 1e-6);
const plain = { x: [[1], [-1]], wQb: [[1, 1, 1, 1]], wKva: [[1]], gKv: [undone], wO: [[1]] };
example(
  "scores −ln 3 and ln 3 at dn = 4, so the scale is ½: weights 1 and 9 of 10; the gain undoes ε = 10⁻⁶; causal by default",
  mla,
  { ...plain, wKvb: [[log3, log3, 0, 0, 8]] },
  { out: [[8], [-6.4]], latent: [[1], [-1]], kRope: [[], []] },
);
example(
  "YaRN with f = e and a = 10 doubles μ, so a quarter of the scores does",
  mla,
  { ...plain, wKvb: [[log3 / 4, log3 / 4, 0, 0, 8]] },
  { out: [[8], [-6.4]] },
  { yarnFactor: Math.E, mscaleAllDim: 10 },
);
example(
  "YaRN without mscaleAllDim leaves the scale alone",
  mla,
  { ...plain, wKvb: [[log3, log3, 0, 0, 8]] },
  { out: [[8], [-6.4]] },
  { yarnFactor: 40 },
);
example(
  "mscaleAllDim without YaRN leaves it alone too",
  mla,
  { ...plain, wKvb: [[log3, log3, 0, 0, 8]] },
  { out: [[8], [-6.4]] },
  { mscaleAllDim: 10 },
);
const turning = {
  x: [
    [1, 0],
    [0, 1],
  ],
  wQb: [
    [1, 0],
    [1, 0],
  ],
  wKva: [
    [1, Math.SQRT2 * log3, 0],
    [-1, Math.SQRT2 * log3, 0],
  ],
  gKv: [undone],
  wKvb: [[4]],
  wO: [[1]],
  invFreq: [Math.PI / 2],
};
example("rotary features alone, a quarter turn a token, scale 1/√2: scores 0 and ln 3", mla, turning, {
  out: [[4], [-2]],
  kRope: [
    [Math.SQRT2 * log3, 0],
    [0, Math.SQRT2 * log3],
  ],
});
example(
  "without causal the first token sees both: scores ln 3 and 0",
  mla,
  turning,
  { out: [[2], [-2]] },
  { causal: false },
);
const key = { x: [[1]], wQb: [[0, 0, 0, 0]], wKvb: [[1]], wO: [[1]], invFreq: [Math.PI / 2, 0], positions: [1] };
example(
  "the pairs are interleaved: a quarter turn of the first two features",
  mla,
  { ...key, wKva: [[1, 1, 2, 3, 4]] },
  { kRope: [[-2, 1, 3, 4]] },
);
example(
  "in halves, of the first and the third, and a factor of 2",
  mla,
  { ...key, wKva: [[1, 1, 2, 3, 4]] },
  { kRope: [[-6, 4, 2, 8]] },
  { ropeLayout: "half", attentionScaling: 2 },
);
example(
  "pair 1 of 2 turns θ^(−1/2) = 1/100 a place: a quarter turn at 50 π",
  mla,
  { x: [[1]], wQb: [[0, 0, 0, 0]], wKva: [[1, 0, 0, 1, 0]], wKvb: [[1]], wO: [[1]], positions: [50 * Math.PI] },
  { kRope: [[0, 0, 0, 1]] },
);

const times = (a: Tensor, b: Tensor) => {
  const [rows = 0, inner = 0] = a.shape;
  const [, columns = 0] = b.shape;
  return tensor([rows, columns], (i, j) => {
    let total = 0;
    for (let c = 0; c < inner; c++) total += Number(a.data[i * inner + c]) * Number(b.data[c * columns + j]);
    return total;
  });
};
const across = (t: Tensor) => tensor([...t.shape].reverse(), (i, j) => Number(t.data[j * (t.shape[1] ?? 0) + i]));

law(
  "with the up-projection taken into query and output, it attends from the latents and rotary keys it caches",
  cases(mla, { options: { ...sized, dr: 2, causal: true, yarnFactor: 1 }, given: { wQa: false, gQ: false } }),
  ({ x, n, o }) => {
    const { out, latent, kRope } = mla(x, o);
    const heads = Array.from({ length: n.H }, (_, h) => {
      const q = times(x.x, span(x.wQb, 1, h * n.Dq, (h + 1) * n.Dq));
      const up = span(x.wKvb, 1, h * n.Dk, (h + 1) * n.Dk);
      const turned = rope(
        {
          x: span(q, 1, o.dn, n.Dq),
          positions: x.positions ?? tensor([n.T], (t) => t),
          ...(x.invFreq && { invFreq: x.invFreq }),
        },
        { base: o.base, layout: o.ropeLayout, attentionScaling: o.attentionScaling },
      ).out;
      const absorbed = times(span(q, 1, 0, o.dn), across(span(up, 1, 0, o.dn)));
      const seen = attention(
        { q: join(1, absorbed, turned), k: join(1, latent, kRope), v: latent },
        { causal: true, scale: 1 / Math.sqrt(n.Dq) },
      ).out;
      return times(times(seen, span(up, 1, o.dn, n.Dk)), span(x.wO, 0, h * n.E, (h + 1) * n.E));
    });
    same(
      heads.reduce((total, head) => edit(total, (v, t, m) => v + Number(head.data[t * n.Mo + m]))),
      out,
    );
  },
);
law(
  "all positions moved alike leave the output as it is",
  cases(mla, { options: { ...sized, base: 10000 }, given: { positions: true } }),
  ({ x, o }) => same(mla({ ...x, positions: edit(x.positions, (p) => p + 3) }, o).out, mla(x, o).out),
);
law(
  "without rotary features it knows no positions",
  cases(mla, { options: { ...sized, dr: 0 }, given: { positions: true } }),
  ({ x, o }) => same(mla({ ...x, positions: edit(x.positions, (p) => p * p) }, o).out, mla(x, o).out),
);
law(
  "positions are the places of the tokens unless given",
  cases(mla, { options: sized, given: { positions: false } }),
  ({ x, n, o }) => same(mla({ ...x, positions: tensor([n.T], (t) => t) }, o).out, mla(x, o).out),
);
law("the sizes of the heads follow from the weights", cases(mla, { options: sized }), ({ x, o }) =>
  same(mla(x, { ...o, dn: null, dr: null, dv: null }).out, mla(x, o).out),
);
law(
  "the two layouts differ by a fixed reordering of the rotary columns",
  cases(mla, { options: { ...sized, dr: 4, ropeLayout: "half" } }),
  ({ x, n, o }) => {
    const source = (start: number) => (d: number) =>
      d < start ? d : start + ((d - start) % 2) * 2 + ((d - start) >> 1);
    const wQb = reshape(pick(reshape(x.wQb, n.Rq, n.H, n.Dq), 2, n.Dq, source(o.dn)), n.Rq, n.H * n.Dq);
    const wKva = pick(x.wKva, 1, n.Rk, source(n.Rc));
    same(mla({ ...x, wQb, wKva }, { ...o, ropeLayout: "interleaved" }).out, mla(x, o).out);
  },
);
law(
  "the length of the latent before its norm does not matter, ε aside",
  cases(mla, { options: sized, given: { wQa: false, gQ: false } }),
  ({ x, n, o }) => {
    const wKva = edit(x.wKva, (w, _, r) => (r < n.Rc ? 4 * w : w));
    same(mla({ ...x, wKva }, { ...o, eps: 16 * o.eps }).latent, mla(x, o).latent);
    same(mla({ ...x, wKva }, { ...o, eps: 16 * o.eps }).out, mla(x, o).out);
  },
);
