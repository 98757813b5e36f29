import { deltanet } from "../../../spec/linear/deltanet.ts";
import { titansNeuralMemory as titans } from "../../../spec/linear/titans-neural-memory.ts";
import { at, cases, edit, example, fail, fc, law, same, specify, tensor, tensorOf } from "../../kit.ts";

specify(titans);

const silu = (x: number) => x / (1 + Math.exp(-x));
const ln3 = Math.log(3);
// One feature: q and k have length 1 whatever the token; v is silu of 4 x.
const v = silu(4);
const one = {
  x: [[1]],
  wQ: [[1]],
  wK: [[1]],
  wV: [[4]],
  convQ: [[1]],
  convK: [[1]],
  convV: [[1]],
  wForget: [0],
  wMomentum: [0],
  wStep: [0],
  memory: [[[2]]],
};
example(
  "gates of ½: half of the surprise 6, less ½ · 2 times the error, added to half of the weight 2",
  titans,
  { ...one, surprise: [[[6]]] },
  { out: [[2 + v]], memory: [[[2 + v]]], surprise: [[[3 - (2 - v)]]], reference: [[[2]]], position: 0 },
);
example(
  "neither momentum nor forgetting, and steps of at most 2: 2 − ¾ · 2 · 2 (2 − v)",
  titans,
  { ...one, wStep: [ln3], surprise: [[[6]]] },
  { memory: [[[2 - 3 * (2 - v)]]], surprise: [[[-3 * (2 - v)]]] },
  { thetaMax: 2, momentum: false, forget: false },
);
example(
  "gates of ¾, ¼ and ¼ from their biases",
  titans,
  { ...one, bForget: ln3, bMomentum: -ln3, bStep: -ln3, surprise: [[[6]]] },
  { memory: [[[0.5 + 1.5 - 0.5 * (2 - v)]]] },
);
example(
  "gates of ¾, ¼ and ¼ from the token",
  titans,
  { ...one, wForget: [ln3], wMomentum: [-ln3], wStep: [-ln3], surprise: [[[6]]] },
  { memory: [[[0.5 + 1.5 - 0.5 * (2 - v)]]] },
);
example(
  "the convolution: tap 1 on the token, tap 0 on the one before, 3 from the past and then 1",
  titans,
  {
    ...one,
    x: [[1], [2]],
    convQ: [[0, 1]],
    convK: [[0, 1]],
    convV: [[10, 1]],
    wV: [[1]],
    past: [[3]],
    memory: [[[0]]],
  },
  { out: [[silu(31)], [silu(12)]], past: [[2]] },
  { momentum: false, forget: false },
);
example(
  "a key is brought to length 1: 3 and 4 to 0.6 and 0.8; of zeros nothing is left",
  titans,
  {
    ...one,
    x: [[1], [0]],
    wQ: [[3, 4]],
    wK: [[3, 4]],
    convQ: [[1 / 1], [1]],
    convK: [[1], [1]],
    memory: [[[0], [0]]],
  },
  { out: [[v], [0]] },
  { momentum: false, forget: false },
);
const deep = { ...one, memory: [[[1]], [[2]]] };
const s1 = silu(1);
const sigma = 1 / (1 + Math.exp(-1));
const error = 2 * (2 * s1 - v);
const opened = 1 - (sigma * (1 + 1 - sigma) * 2 * error) / 2;
const second = 2 - (s1 * error) / 2;
example(
  "two layers: the error goes back through the second and SiLU",
  titans,
  deep,
  { out: [[second * silu(opened)]], memory: [[[opened]], [[second]]] },
  { momentum: false, forget: false },
);
const phi = 0.8413447460685429;
const gelu1 = phi;
const gError = 2 * (2 * gelu1 - v);
example(
  "two layers with GELU, whose slope at 1 is Φ(1) + φ(1)",
  titans,
  deep,
  {
    memory: [[[1 - ((phi + Math.exp(-0.5) / Math.sqrt(2 * Math.PI)) * 2 * gError) / 2]], [[2 - (gelu1 * gError) / 2]]],
  },
  { momentum: false, forget: false, activation: "gelu" },
);
example(
  "a chunk of two: both errors are those of the weight the chunk began with",
  titans,
  { ...one, x: [[1], [1], [1]] },
  { out: [[v], [2 * v - 2], [v]], reference: [[[2 * v - 2]]], position: 1 },
  { momentum: false, forget: false, chunk: 2 },
);
example(
  "begun inside a chunk, the reference holds until its end",
  titans,
  { ...one, reference: [[[7]]], position: 1 },
  { out: [[2 - (7 - v)]], reference: [[[7]]], position: 0 },
  { momentum: false, forget: false, chunk: 2 },
);
const refused = (words: string, memory: readonly number[][][], more: Partial<Parameters<typeof titans>[0]>) =>
  law(`refuses: ${words}`, fc.constant(memory.map(tensorOf)), (weights) => {
    const { x, wQ, wK, wV, convQ, convK, convV, wForget, wMomentum, wStep } = one;
    const given = {
      ...{ x: tensorOf(x), wQ: tensorOf(wQ), wK: tensorOf(wK), wV: tensorOf(wV) },
      ...{ convQ: tensorOf(convQ), convK: tensorOf(convK), convV: tensorOf(convV) },
      ...{ wForget: tensorOf(wForget), wMomentum: tensorOf(wMomentum), wStep: tensorOf(wStep) },
      memory: weights,
    };
    try {
      titans({ ...given, ...more }, { chunk: 2 });
    } catch (error) {
      if (String(error).includes(words)) return;
      throw error;
    }
    fail("was accepted");
  });
const chain = "the layers of memory must lead from D to E";
refused(chain, [[[1, 2]]], {});
refused(chain, [[[1], [2]]], {});
refused(chain, [[[1, 2]], [[1]]], {});
refused("position holds integers from 0 to 1", [[[1]]], { reference: [tensorOf([[1]])], position: tensorOf(2) });

const plain = { past: false, surprise: false, reference: false, position: false };
law(
  "a matrix without momentum and forgetting is the delta rule of strength 2 θ",
  cases(titans, {
    sizes: { L: 1, K: 1, D: 3 },
    options: { momentum: false, forget: false, chunk: 1 },
    given: { ...plain, bStep: false },
  }),
  ({ x, n, o }) => {
    const tokens = (t: number, w: typeof x.wQ, taps: typeof x.convQ, c: number) => {
      let total = 0;
      for (let m = 0; m < n.M; m++) total += at(x.x, t, m) * at(w, m, c);
      return silu(at(taps, c, 0) * total);
    };
    const unit = (w: typeof x.wQ, taps: typeof x.convQ) =>
      tensor([n.T, n.D], (t, d) => {
        let square = 0;
        for (let c = 0; c < n.D; c++) square += tokens(t, w, taps, c) ** 2;
        return square ? tokens(t, w, taps, d) / Math.sqrt(square) : 0;
      });
    const beta = tensor([n.T], (t) => {
      let score = 0;
      for (let m = 0; m < n.M; m++) score += at(x.x, t, m) * at(x.wStep, m);
      return (2 * o.thetaMax) / (1 + Math.exp(-score));
    });
    const wanted = deltanet(
      {
        q: unit(x.wQ, x.convQ),
        k: unit(x.wK, x.convK),
        v: tensor([n.T, n.E], (t, e) => tokens(t, x.wV, x.convV, e)),
        beta,
        state: x.memory[0]!,
      },
      { scale: 1 },
    );
    same(titans(x, o).out, wanted.out);
  },
);
law(
  "inside a chunk two running sums give the weights of every token, the gradients being known beforehand",
  cases(titans, { options: { chunk: 4 }, sizes: { T: 4, L: 1, K: 1 }, given: plain }),
  ({ x, n, o }) => {
    const upTo = (T: number) => titans({ ...x, x: tensor([T, n.M], (t, m) => at(x.x, t, m)) }, o);
    const gate = (w: typeof x.wStep, b: typeof x.bStep | undefined, t: number) => {
      let score = b ? b.data[0]! : 0;
      for (let m = 0; m < n.M; m++) score += at(x.x, t, m) * at(w, m);
      return 1 / (1 + Math.exp(-score));
    };
    const keep = (t: number) => (o.forget ? 1 - gate(x.wForget, x.bForget, t) : 1);
    const carry = (t: number) => (o.momentum ? gate(x.wMomentum, x.bMomentum, t) : 0);
    const between = (f: (t: number) => number, from: number, to: number) => {
      let total = 1;
      for (let t = from + 1; t <= to; t++) total *= f(t);
      return total;
    };
    // A token alone, first of a chunk, leaves minus its step times its gradient as the surprise.
    const pushes = Array.from({ length: n.T }, (_, t) => {
      const alone = titans({ ...x, x: tensor([1, n.M], (_, m) => at(x.x, t, m)) }, o);
      return alone.surprise[0]!;
    });
    const memory = x.memory[0]!;
    same(
      upTo(n.T).memory[0],
      edit(memory, (w, d, e) => {
        let total = between(keep, -1, n.T - 1) * w;
        for (let i = 0; i < n.T; i++)
          for (let j = 0; j <= i; j++) total += between(keep, i, n.T - 1) * between(carry, j, i) * at(pushes[j]!, d, e);
        return total;
      }),
      // Sums over several steps that may be far larger than what they leave.
      1e-10,
    );
  },
);
law(
  "without steps the weights only decay",
  cases(titans, { options: { thetaMax: 0 }, given: plain }),
  ({ x, n, o }) => {
    let left = 1;
    for (let t = 0; t < n.T; t++) {
      let score = x.bForget ? x.bForget.data[0]! : 0;
      for (let m = 0; m < n.M; m++) score += at(x.x, t, m) * at(x.wForget, m);
      if (o.forget) left *= 1 - 1 / (1 + Math.exp(-score));
    }
    for (const [l, w] of titans(x, o).memory.entries())
      same(
        w,
        edit(x.memory[l]!, (value) => left * value),
      );
  },
);
law(
  // Differences over 2·10⁻⁵ agree with a gradient to some eight digits.
  "one step is down the gradient of |M(k) − v|², by differences",
  cases(titans, { sizes: { T: 1, K: 1 }, options: { forget: false, thetaMax: 0.25 }, given: plain }),
  ({ x, o }) => {
    const asked = { ...x, wQ: x.wK, convQ: x.convK };
    const recalled = (memory: typeof x.memory) => titans({ ...asked, memory }, { ...o, thetaMax: 0 }).out;
    const value = (() => {
      const E = recalled(x.memory).shape[1]!;
      return Array.from({ length: E }, (_, e) => {
        let total = 0;
        for (let m = 0; m < x.wV.shape[0]!; m++) total += at(x.x, 0, m) * at(x.wV, m, e);
        return silu(at(x.convV, e, 0) * total);
      });
    })();
    const loss = (memory: typeof x.memory) =>
      value.reduce((total, wanted, e) => total + (at(recalled(memory), 0, e) - wanted) ** 2, 0);
    const h = 1e-5;
    let score = x.bStep ? x.bStep.data[0]! : 0;
    for (let m = 0; m < x.wStep.shape[0]!; m++) score += at(x.x, 0, m) * at(x.wStep, m);
    const step = o.thetaMax / (1 + Math.exp(-score));
    const moved = (l: number, d: number, e: number, by: number) =>
      x.memory.map((w, i) => (i === l ? edit(w, (v, a, b) => (a === d && b === e ? v + by : v)) : w));
    for (const [l, w] of titans(x, o).memory.entries())
      same(
        w,
        edit(x.memory[l]!, (v, d, e) => v - (step * (loss(moved(l, d, e, h)) - loss(moved(l, d, e, -h)))) / (2 * h)),
        1e-5,
      );
  },
  20,
);
