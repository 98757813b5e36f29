import { deltanet } from "../../../spec/linear/deltanet.ts";
import { omegaRuleMemory as omega } from "../../../spec/linear/omega-rule-memory.ts";
import { at, cases, edit, example, join, law, pick, refuses, same, specify, tensor } from "../../kit.ts";

specify(omega);

const one = { q: [[1]], k: [[1]], v: [[5]], gamma: [1], alpha: [0.5], eta: [0.25], memory: [[8]] };
example("an error of 3, a step of ¼ · 2 · 3 away from half of 8", omega, one, {
  out: [[2.5]],
  memory: [[2.5]],
  reference: [[8]],
  position: 0,
});
const three = { q: [[1], [1], [1]], k: [[1], [1], [1]], v: [[1], [2], [4]], alpha: [1, 1, 1], eta: [0.5, 0.5, 0.5] };
example(
  "a window of two: errors of the last two tokens, the one before with its gate of ½",
  omega,
  { ...three, gamma: [1, 0.5, 1], memory: [[0]] },
  { out: [[1], [1.5], [4.25]], memory: [[4.25]], pastK: [[1]], pastV: [[4]], pastGamma: [1] },
  { window: 2 },
);
example(
  "a chunk of two: the second token's error is that of the memory the chunk began with",
  omega,
  { ...three, gamma: [1, 1, 1], memory: [[0]] },
  { out: [[1], [3], [4]], memory: [[4]], reference: [[3]], position: 1 },
  { chunk: 2 },
);
example(
  "begun inside a chunk, the reference holds until the chunk's end",
  omega,
  { ...three, gamma: [1, 1, 1], memory: [[0]], reference: [[3]], position: 1 },
  { out: [[-2], [2], [8]], memory: [[8]], reference: [[-2]], position: 0 },
  { chunk: 2 },
);
example(
  "a token from before in the window",
  omega,
  { ...one, pastK: [[7], [1]], pastV: [[7], [7]], pastGamma: [7, 1] },
  { memory: [[2]], pastK: [[1]], pastV: [[5]], pastGamma: [1] },
  { window: 2 },
);
example(
  "monomials of (2, 3): 1; 2, 3; 4, 6, 9; lower degrees first",
  omega,
  {
    q: [[2, 3]],
    k: [[2, 3]],
    v: [[0]],
    gamma: [0],
    alpha: [1],
    eta: [0],
    memory: [[1], [10], [100], [1000], [10000], [100000]],
  },
  { out: [[1 + 20 + 300 + 4000 + 60000 + 900000]] },
  { features: "polynomial", degree: 2 },
);
example(
  "coefficients ½ for degree 0, 3 for degree 1, by default the largest: ½ · 10 + 3 · 2 · 5, and all of it is taken away by a step",
  omega,
  { q: [[2]], k: [[0]], v: [[1]], gamma: [1], alpha: [1], eta: [2], memory: [[10], [5]], coefficients: [0.5, 3] },
  { out: [[31]], memory: [[2], [5]] },
  { features: "polynomial" },
);
refuses("pastK, pastV and pastGamma go together", omega, { ...one, pastK: [[1]] });
refuses("pastK, pastV and pastGamma go together", omega, { ...one, pastK: [[1]], pastV: [[1]] });
refuses("coefficients belong to polynomial features", omega, { ...one, coefficients: [1, 1] });
refuses("position holds integers from 0 to 1", omega, { ...one, reference: [[1]], position: 2 }, { chunk: 2 });

const online = { options: { features: "identity", chunk: 1 }, given: { pastK: false, pastV: false, pastGamma: false } };
law(
  "looking at the last token alone, without decay, it is the delta rule of strength 2 γ η",
  cases(omega, { ...online, options: { ...online.options, window: 1 } }),
  ({ x, n, o }) => {
    const { q, k, v, memory } = x;
    const beta = tensor([n.T], (t) => 2 * at(x.gamma, t) * at(x.eta, t));
    const wanted = deltanet({ q, k, v, beta, state: memory }, { scale: 1 });
    const actual = omega({ ...x, alpha: edit(x.alpha, () => 1) }, o);
    same(actual.out, wanted.out);
    same(actual.memory, wanted.state);
  },
);
law("without steps the memory only decays", cases(omega), ({ x, n, o }) => {
  let left = 1;
  for (let t = 0; t < n.T; t++) left *= at(x.alpha, t);
  same(
    omega({ ...x, eta: edit(x.eta, () => 0) }, o).memory,
    edit(x.memory, (w) => left * w),
  );
});
law(
  "each step is down the gradient of the window's loss, which is quadratic",
  cases(omega, { ...online, sizes: { T: 1 } }),
  ({ x, n, o }) => {
    const loss = (W: typeof x.memory) => {
      let total = 0;
      for (let e = 0; e < n.E; e++) {
        let recalled = 0;
        for (let d = 0; d < n.D; d++) recalled += at(W, d, e) * at(x.k, 0, d);
        total += at(x.gamma, 0) * (recalled - at(x.v, 0, e)) ** 2;
      }
      return total;
    };
    const moved = (by: number, a: number, e: number) => edit(x.memory, (w, i, j) => (i === a && j === e ? w + by : w));
    same(
      omega(x, o).memory,
      edit(
        x.memory,
        (w, a, e) => at(x.alpha, 0) * w - (at(x.eta, 0) * (loss(moved(1, a, e)) - loss(moved(-1, a, e)))) / 2,
      ),
    );
  },
);
law(
  "a window that reaches back to the start takes the whole past alike, however long it is",
  cases(omega, {
    given: { pastK: false, pastV: false, pastGamma: false },
    options: { window: Number.POSITIVE_INFINITY },
  }),
  ({ x, n, o }) => {
    const all = omega(x, o);
    same(all.out, omega({ ...x }, { ...o, window: n.T }).out);
    same(all.pastK, x.k);
    same(all.pastGamma, x.gamma);
  },
);
law(
  "tokens given as past are seen like tokens whose own steps are 0",
  cases(omega, {
    options: { chunk: 1 },
    given: { pastK: true, pastV: true, pastGamma: true, reference: false, position: false },
  }),
  ({ x: { pastK, pastV, pastGamma, ...x }, n, o }) => {
    const filler = (value: number) => tensor([n.Tp], () => value);
    const whole = omega(
      {
        ...x,
        q: join(
          0,
          tensor([n.Tp, n.D], () => 0),
          x.q,
        ),
        k: join(0, pastK, x.k),
        v: join(0, pastV, x.v),
        gamma: join(0, pastGamma, x.gamma),
        alpha: join(0, filler(1), x.alpha),
        eta: join(0, filler(0), x.eta),
      },
      o,
    );
    same(
      omega({ ...x, pastK, pastV, pastGamma }, o).out,
      pick(whole.out, 0, n.T, (t) => n.Tp + t),
    );
  },
);
law(
  "polynomial features of degree 1 are the identity's beside a feature that is always 1",
  cases(omega, {
    options: { features: "polynomial", degree: 1 },
    given: { coefficients: false, pastK: false, pastV: false, pastGamma: false, reference: false, position: false },
  }),
  ({ x, n, o }) => {
    const widened = (t: typeof x.k) =>
      join(
        1,
        tensor([n.T, 1], () => 1),
        t,
      );
    same(omega({ ...x, q: widened(x.q), k: widened(x.k) }, { window: o.window, chunk: o.chunk }).out, omega(x, o).out);
  },
);
