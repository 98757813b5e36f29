import { gatedLinearAttention } from "../../../spec/linear/gated-linear-attention.ts";
import { gatedSlotAttention as gsa } from "../../../spec/linear/gated-slot-attention.ts";
import { at, cases, edit, example, join, law, pick, refuses, same, specify, tensor } from "../../kit.ts";

specify(gsa);

const ln = Math.log;
example(
  "a slot that keeps ¾ takes a quarter of 8; scores ln 3 and 0 give weights ¾ and ¼",
  gsa,
  {
    q: [[1]],
    k: [[4 * ln(3)]],
    v: [[8]],
    a: [[0.75, 1]],
    stateV: [[16], [4]],
  },
  { out: [[11.5]], stateK: [[ln(3), 0]], stateV: [[14], [4]] },
);
example(
  "at D = 4 the product ln 9 is halved; the state's keys count and fade",
  gsa,
  {
    q: [[1, 1, 1, 1]],
    k: [[0, 0, 0, 0]],
    v: [[0]],
    a: [[0.5, 1]],
    stateK: [
      [ln(81), 0],
      [0, 0],
      [0, 0],
      [0, 0],
    ],
    stateV: [[16], [4]],
  },
  { out: [[7]], stateV: [[8], [4]] },
);
example(
  "slot scores: one slot averages the values evenly, 6 of 4 and 8, the other by ¼ and ¾, 7",
  gsa,
  {
    q: [[0], [0]],
    k: [[0], [0]],
    v: [[4], [8]],
    slotScores: [
      [0, 0],
      [0, ln(3)],
    ],
  },
  { out: [[4], [6.5]], stateV: [[6], [7]], z: [ln(2), ln(4)] },
  { variant: "abc" },
);
example(
  "without z the first token keeps all of the state, with it 3 parts of 4",
  gsa,
  { q: [[0]], k: [[0]], v: [[8]], slotScores: [[0]], stateV: [[4]] },
  { out: [[12]], stateV: [[12]], z: [0] },
  { variant: "abc" },
);
example(
  "with z = ln 3 the state keeps 3 parts of 4 and the value gets one",
  gsa,
  { q: [[0]], k: [[0]], v: [[8]], slotScores: [[0]], stateV: [[4]], z: [ln(3)] },
  { out: [[5]], stateV: [[5]], z: [ln(4)] },
  { variant: "abc" },
);
const rest = { q: [[0]], k: [[0]], v: [[8]] };
const words = "variant gsa takes a and neither slotScores nor z";
refuses(words, gsa, { ...rest, slotScores: [[0]] });
refuses(words, gsa, { ...rest, a: [[0.5]], slotScores: [[0]] });
refuses(words, gsa, { ...rest, a: [[0.5]], z: [0] });
refuses(words, gsa, { ...rest, a: [[0.5]] }, { variant: "abc" });
refuses(words, gsa, { ...rest, a: [[0.5]], slotScores: [[0]] }, { variant: "abc" });
refuses("a holds numbers from 0 to 1", gsa, { ...rest, a: [[1.5]] });
refuses("a holds numbers from 0 to 1", gsa, { ...rest, a: [[-0.5]] });

const gated = { options: { variant: "gsa" }, given: { a: true, slotScores: false, z: false } };
const scored = { options: { variant: "abc" }, given: { a: false, slotScores: true, z: false } };
law("is two passes of gated linear attention with a softmax between them", cases(gsa, gated), ({ x, n, o }) => {
  const g = edit(x.a, ln);
  const write = edit(x.a, (a) => 1 - a);
  const transposed = (t: typeof x.stateK, rows: number, columns: number) =>
    tensor([rows, columns], (i, j) => at(t, j, i));
  const keys = gatedLinearAttention(
    { q: tensor([n.T, n.N], () => 0), k: write, v: x.k, g, ...(x.stateK && { state: transposed(x.stateK, n.N, n.D) }) },
    { scale: 1 },
  ).state;
  same(gsa(x, o).stateK, transposed(keys, n.D, n.N));
  const scores = tensor([n.T, n.N], (t, slot) => {
    const upTo = (part: typeof x.k) => pick(part, 0, t + 1, (s) => s);
    const K = gatedLinearAttention(
      {
        q: tensor([t + 1, n.N], (_, i) => Number(i === slot)),
        k: upTo(write),
        v: upTo(x.k),
        g: upTo(g),
        ...(x.stateK && { state: transposed(x.stateK, n.N, n.D) }),
      },
      { scale: 1 },
    ).out;
    let total = 0;
    for (let d = 0; d < n.D; d++) total += o.scale * at(x.q, t, d) * at(K, t, d);
    return total;
  });
  const sums = tensor([n.T], (t) => {
    let total = 0;
    for (let i = 0; i < n.N; i++) total += Math.exp(at(scores, t, i));
    return total;
  });
  const p = edit(scores, (s, t) => Math.exp(s) / at(sums, t));
  const wanted = gatedLinearAttention(
    { q: p, k: write, v: x.v, g, ...(x.stateV && { state: x.stateV }) },
    { scale: 1 },
  );
  same(gsa(x, o).out, wanted.out);
  same(gsa(x, o).stateV, wanted.state);
});
law(
  "one slot is an exponential moving average of the values",
  cases(gsa, { ...gated, sizes: { N: 1 } }),
  ({ x, n, o }) => {
    let average = Array.from({ length: n.E }, (_, e) => (x.stateV ? at(x.stateV, 0, e) : 0));
    const rows = Array.from({ length: n.T }, (_, t) => {
      const a = at(x.a, t, 0);
      average = average.map((m, e) => a * m + (1 - a) * at(x.v, t, e));
      return average;
    });
    same(
      gsa(x, o).out,
      tensor([n.T, n.E], (t, e) => rows[t]![e]!),
    );
  },
);
law(
  "gates of 1 keep the state",
  cases(gsa, { ...gated, given: { ...gated.given, stateK: true, stateV: true } }),
  ({ x, o }) => {
    const kept = gsa({ ...x, a: edit(x.a, () => 1) }, o);
    same(kept.stateK, x.stateK);
    same(kept.stateV, x.stateV);
  },
);
law(
  "slot scores make each slot the softmax average over time, whatever is added to its scores",
  cases(gsa, { ...scored, given: { ...scored.given, stateK: false, stateV: false } }),
  ({ x, n, o }) => {
    const weight = (t: number, slot: number) => Math.exp(at(x.slotScores, t, slot));
    const average = (of: typeof x.k) => (slot: number, column: number) => {
      let [total, mass] = [0, 0];
      for (let t = 0; t < n.T; t++) {
        total += weight(t, slot) * at(of, t, column);
        mass += weight(t, slot);
      }
      return total / mass;
    };
    const { out, stateK, stateV } = gsa(x, o);
    same(
      stateK,
      tensor([n.D, n.N], (d, slot) => average(x.k)(slot, d)),
    );
    same(
      stateV,
      tensor([n.N, n.E], (slot, e) => average(x.v)(slot, e)),
    );
    same(gsa({ ...x, slotScores: edit(x.slotScores, (s, _, slot) => s + slot - 2.5) }, o).out, out);
  },
);
law(
  "a state from before counts like a token of score z",
  cases(gsa, {
    ...scored,
    given: { a: false, slotScores: true, z: true, stateK: true, stateV: true },
    sizes: { N: 1 },
  }),
  ({ x: { z, stateK, stateV, ...x }, n, o }) => {
    const before = {
      k: tensor([1, n.D], (_, d) => at(stateK, d, 0)),
      v: stateV,
      slotScores: tensor([1, 1], () => at(z, 0)),
    };
    const whole = gsa(
      {
        q: join(
          0,
          tensor([1, n.D], () => 0),
          x.q,
        ),
        k: join(0, before.k, x.k),
        v: join(0, before.v, x.v),
        slotScores: join(0, before.slotScores, x.slotScores),
      },
      o,
    );
    const resumed = gsa({ ...x, z, stateK, stateV }, o);
    same(
      resumed.out,
      pick(whole.out, 0, n.T, (t) => t + 1),
    );
    same(resumed.z, whole.z);
  },
);
