import { attentionCalibrationAct as act } from "../../../spec/score/attention-calibration-act.ts";
import { at, cases, edit, example, law, same, specify, tensor } from "../../kit.ts";

specify(act);

const map = [
  [1, 0, 0, 0],
  [0.5, 0.5, 0, 0],
  [0.25, 0.5, 0.25, 0],
  [0.25, 0.5, 0, 0.25],
];
const v = [[1], [0], [0], [0]];

example(
  "columns 0 and 1 receive ½ on average: at τ = 0.45 the first is spared, of the other 0.4 is left and 0.3 per half is dealt out",
  act,
  { attn: map, v },
  {
    attn: [
      [1, 0, 0, 0],
      [0.8, 0.2, 0, 0],
      [0.4, 0.2, 0.4, 0],
      [0.4, 0.2, 0, 0.4],
    ],
    out: [[1], [0.8], [0.4], [0.4]],
  },
  { tau: 0.45 },
);
example("the default τ = 5/4 finds no sink among four tokens", act, { attn: map, v }, { attn: map });
example("a mean of exactly τ is no sink", act, { attn: map, v }, { attn: map }, { tau: 0.5 });
example(
  "the first sink goes too, and a row that attends to sinks alone stays as it is",
  act,
  { attn: map, v },
  {
    attn: [
      [1, 0, 0, 0],
      [0.5, 0.5, 0, 0],
      [0, 0, 1, 0],
      [0, 0, 0, 1],
    ],
  },
  { tau: 0.45, beta: 0, keepFirstSink: false },
);
const two = [
  [1, 0, 0, 0, 0, 0],
  [1, 0, 0, 0, 0, 0],
  [1, 0, 0, 0, 0, 0],
  [1, 0, 0, 0, 0, 0],
  [1, 0, 0, 0, 0, 0],
  [0.1, 0, 0, 0, 0, 0.9],
];
example(
  "of six tokens the default τ = 5/6 finds columns 0 (0.85) and 5 (0.9), and the default β = 0.4",
  act,
  { attn: two, v: Array.from({ length: 6 }, () => [1]) },
  { attn: [...two.slice(0, 5), [0.64, 0, 0, 0, 0, 0.36]] },
);

/** A causal map with rows that sum to 1. */
const proper = (attn: { shape: readonly number[]; data: ArrayLike<number | bigint | boolean> }) => {
  const T = attn.shape[0]!;
  const raw = (t: number, s: number) => (s > t ? 0 : Number(attn.data[t * T + s]) + 0.125);
  return tensor(
    [T, T],
    (t, s) => raw(t, s) / Array.from({ length: t + 1 }, (_, r) => raw(t, r)).reduce((a, b) => a + b),
  );
};
law("β = 1 gives the map back", cases(act, { options: { beta: 1 } }), ({ x, o }) => {
  const attn = proper(x.attn);
  same(act({ ...x, attn }, o).attn, attn);
});
law("rows still sum to 1", cases(act), ({ x, n, o }) => {
  const ones = tensor([n.T, 1], () => 1);
  same(act({ attn: proper(x.attn), v: ones }, o).out, ones);
});
law("what stands above the diagonal is not read, and stays zero", cases(act), ({ x, o }) => {
  const lower = edit(x.attn, (a, t, s) => (s! > t! ? 0 : a));
  const whole = act(x, o);
  same(whole.attn, act({ ...x, attn: lower }, o).attn);
  same(
    whole.attn,
    edit(whole.attn, (a, t, s) => (s! > t! ? 0 : a)),
  );
});
law(
  "the first column above τ never loses weight, and the columns outside S keep their proportions",
  cases(act, { options: { keepFirstSink: true } }),
  ({ x, n, o }) => {
    const before = proper(x.attn);
    const after = act({ ...x, attn: before }, o).attn;
    const lost = (s: number) =>
      Array.from({ length: n.T }, (_, t) => t).some((t) => at(after, t, s) < at(before, t, s) - 1e-12);
    const kept = Array.from({ length: n.T }, (_, s) => s).filter((s) => !lost(s));
    const [first] = kept;
    if (first === undefined) throw new Error("every column lost weight");
    for (const s of kept)
      same(
        tensor([n.T], (t) => at(after, t, s) * at(before, t, first)),
        tensor([n.T], (t) => at(after, t, first) * at(before, t, s)),
      );
  },
);
