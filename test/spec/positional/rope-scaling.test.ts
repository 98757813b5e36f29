import { ropeLinearScaling } from "../../../spec/positional/rope-linear-scaling.ts";
import { ropeNtkAware } from "../../../spec/positional/rope-ntk-aware.ts";
import { ropeScaling as scaling } from "../../../spec/positional/rope-scaling.ts";
import { rotaryPositionEmbedding as rope } from "../../../spec/positional/rotary-position-embedding.ts";
import { cases, edit, example, fail, law, same, span, specify, tensor } from "../../kit.ts";

specify(scaling);

const start = { positions: [0] };
const four = { rotaryDim: 4 };
example("plain RoPE of 128 features by default", scaling, start, {
  invFreq: Array.from({ length: 64 }, (_, i) => 10000 ** (-i / 64)),
  attentionScaling: 1,
});
example(
  "linear: both pairs at a quarter; the first makes an eighth of a turn in π, the second 1/100 of that",
  scaling,
  { positions: [Math.PI] },
  {
    invFreq: [0.25, 0.0025],
    attentionScaling: 1,
    cos: [[Math.SQRT1_2, Math.cos(Math.PI / 400)]],
    sin: [[Math.SQRT1_2, Math.sin(Math.PI / 400)]],
  },
  { ...four, factor: 4 },
);
example(
  "ntk: only the last pair at a quarter",
  scaling,
  start,
  { invFreq: [1, 0.0025], attentionScaling: 1 },
  { ...four, type: "ntk", factor: 4 },
);
example(
  "dynamic, position 4095 after training on 2048: 2 · 2 − 1 times",
  scaling,
  { positions: [4095, 7] },
  { invFreq: [1, 0.01 / 3], attentionScaling: 1 },
  { ...four, type: "dynamic", factor: 2 },
);
example(
  "dynamic, position 2047: none yet",
  scaling,
  { positions: [2047] },
  { invFreq: [1, 0.01] },
  { ...four, type: "dynamic", factor: 2 },
);

const yarn = { ...four, type: "yarn", factor: 2 };
const c = 1 + 0.1 * Math.LN2;
example(
  "yarn: the ramp goes from pair 0.50 to 1.26, rounded 0 to 2, so the second pair is halfway",
  scaling,
  start,
  { invFreq: [1, 0.0075], attentionScaling: c, cos: [[c, c]], sin: [[0, 0]] },
  yarn,
);
const turning = (times: number) => (2048 / (2 * Math.PI * times)) ** 2;
example(
  "yarn without rounding: the pair that turns √32 times, halfway between 1 and 32 on a log scale, is slowed to ¾",
  scaling,
  start,
  { invFreq: [1, 0.75 / Math.sqrt(turning(Math.sqrt(32)))] },
  { ...yarn, truncate: false, base: turning(Math.sqrt(32)) },
);
example(
  "yarn without a ramp: both ends at pair 0, the second pair is past it",
  scaling,
  start,
  { invFreq: [1, 0.005] },
  { ...yarn, originalMax: 4 },
);
example(
  "yarn, ramp from pair 0 to R − 1 = 3 where turning once lies beyond: the second pair a third along",
  scaling,
  start,
  { invFreq: [1, 5 / 12] },
  { ...yarn, base: 4, betaFast: 400 },
);
example(
  "yarn, stretched by e¹⁰: the factor is 2",
  scaling,
  start,
  { attentionScaling: 2 },
  { ...yarn, factor: Math.E ** 10, mscale: 2 },
);
example(
  "yarn with both mscales: 3 over 2",
  scaling,
  start,
  { attentionScaling: 1.5 },
  { ...yarn, factor: Math.E ** 10, mscale: 2, mscaleAllDim: 1 },
);
example(
  "yarn with one mscale alone: as without",
  scaling,
  start,
  { attentionScaling: 2 },
  { ...yarn, factor: Math.E ** 10, mscaleAllDim: 2 },
);
example("yarn with its factor given", scaling, start, { attentionScaling: 7 }, { ...yarn, attentionFactor: 7 });
example("linear has no factor to give", scaling, start, { attentionScaling: 1 }, { ...four, attentionFactor: 7 });

const llama = { ...four, type: "llama3", factor: 2 };
example(
  "llama3: a pair that turns 2½ times, halfway from 1 to 4, is slowed to ¾",
  scaling,
  start,
  { invFreq: [1, 0.75 / Math.sqrt(turning(2.5))], attentionScaling: 1 },
  { ...llama, base: turning(2.5) },
);
example(
  "llama3: one that turns half a time is slowed to ½",
  scaling,
  start,
  { invFreq: [1, 0.5 / Math.sqrt(turning(0.5))] },
  { ...llama, base: turning(0.5) },
);

const longrope = { ...four, type: "longrope", factor: 2048 };
const lists = { shortFactor: [1, 2], longFactor: [2, 4] };
example(
  "longrope up to position 2047: the short factors, and √(1 + 1)",
  scaling,
  { positions: [2047], ...lists },
  { invFreq: [1, 0.005], attentionScaling: Math.SQRT2 },
  longrope,
);
example(
  "longrope from position 2048: the long ones",
  scaling,
  { positions: [0, 2048], ...lists },
  { invFreq: [0.5, 0.0025], attentionScaling: 7 },
  { ...longrope, attentionFactor: 7 },
);

const nothing = (R: number) => ({ x: tensor([1, R], () => 0), positions: tensor([1], () => 0) });
law("linear is linear scaling", cases(scaling, { options: { type: "linear" } }), ({ x, o }) => {
  const wanted = ropeLinearScaling(nothing(o.rotaryDim), { base: o.base, scale: o.factor });
  same(scaling(x, o).invFreq, wanted.invFreq);
});
law(
  "ntk and dynamic are NTK-aware RoPE",
  cases(scaling, { options: { type: "dynamic" } }),
  ({ x, o: { rotaryDim, base, factor, originalMax } }) => {
    const positions = edit(x.positions, Math.floor);
    const length = 1 + Math.max(...positions.data);
    const options = { rotaryDim, base, factor, originalMax };
    const wanted = { base, alpha: factor, n0: originalMax, length };
    same(
      scaling({ positions }, { ...options, type: "dynamic" }).invFreq,
      ropeNtkAware(nothing(rotaryDim), { ...wanted, dynamic: true }).invFreq,
    );
    same(scaling({ positions }, { ...options, type: "ntk" }).invFreq, ropeNtkAware(nothing(rotaryDim), wanted).invFreq);
  },
);
law("cosine and sine are what RoPE turns the first halves of ones into", cases(scaling), ({ x, n, o }) => {
  const R = o.rotaryDim;
  const ones = tensor([n.T, R], (_, d) => (d < R / 2 ? 1 : 0));
  const { invFreq, attentionScaling, cos, sin } = scaling(x, o);
  const options = { attentionScaling: attentionScaling.data[0] ?? fail("no factor") };
  const turned = rope({ x: ones, positions: x.positions, invFreq }, options).out;
  same(cos, span(turned, 1, 0, R / 2));
  same(sin, span(turned, 1, R / 2, R));
});
law(
  "without a stretch every type is RoPE, but dynamic beyond the length trained on",
  cases(scaling, { options: { factor: 1, attentionFactor: 0 }, given: { shortFactor: false, longFactor: false } }),
  ({ x, o }) => {
    const { invFreq, attentionScaling } = scaling(x, { ...o, originalMax: o.type === "dynamic" ? 100 : o.originalMax });
    same(
      invFreq,
      tensor([o.rotaryDim / 2], (i) => o.base ** ((-2 * i) / o.rotaryDim)),
    );
    same(
      attentionScaling,
      tensor([], () => 1),
    );
  },
);
law("a stretch by s slows no pair by more than s, and speeds none up", cases(scaling), ({ x, o }) => {
  if (o.type === "longrope" || o.type === "dynamic") return;
  scaling(x, o).invFreq.data.forEach((f, i) => {
    const w = o.base ** ((-2 * i) / o.rotaryDim);
    if (f > w * (1 + 1e-12) || f < (w / o.factor) * (1 - 1e-12)) fail(`pair ${i}: ${f} of ${w}`);
  });
});
law("a ramp of llama3 that has no width is refused", cases(scaling, { options: { rotaryDim: 4 } }), ({ x }) => {
  let refused = "";
  try {
    scaling(x, { rotaryDim: 4, lowFreqFactor: 2, highFreqFactor: 2 });
  } catch (error) {
    refused = String(error);
  }
  if (!refused.includes("lowFreqFactor")) fail(refused || "accepted");
});
