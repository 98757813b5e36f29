import { deltanet } from "../../../spec/linear/deltanet.ts";
import { gatedDeltanet } from "../../../spec/linear/gated-deltanet.ts";
import { gatedDeltaproduct } from "../../../spec/linear/gated-deltaproduct.ts";
import { at, cases, edit, example, law, pick, same, specify, tensor } from "../../kit.ts";

specify(gatedDeltaproduct);

const half = Math.log(0.5);
example(
  "two writes a token, the second on what the first left: half of the way to 8, then half of the way to 6; 5 fades once to 2.5",
  gatedDeltaproduct,
  {
    q: [[1], [1]],
    k: [[1], [1], [1], [0]],
    v: [[8], [6], [10], [99]],
    beta: [0.5, 0.5, 0.5, 1],
    g: [-7, half],
  },
  { out: [[5], [6.25]], state: [[6.25]] },
);
example(
  "two reflections are a turn: (x, y) is reflected to (−x, y), then its places are swapped",
  gatedDeltaproduct,
  {
    q: [[1, 10]],
    k: [
      [1, 0],
      [Math.SQRT1_2, -Math.SQRT1_2],
    ],
    v: [[0], [0]],
    beta: [2, 2],
    state: [[3], [5]],
  },
  { out: [[-25]], state: [[5], [-3]] },
  { scale: 1 },
);
example(
  "at D = 4 the query is halved, the keys are not; three writes to three rows",
  gatedDeltaproduct,
  {
    q: [[2, 4, 6, 0]],
    k: [
      [1, 0, 0, 0],
      [0, 1, 0, 0],
      [0, 0, 1, 0],
    ],
    v: [[1], [10], [100]],
    beta: [1, 1, 1],
  },
  { out: [[321]] },
  { nH: 3 },
);

law("one write a token is Gated DeltaNet", cases(gatedDeltaproduct, { options: { nH: 1 } }), ({ x, n, o }) => {
  const g = x.g ?? tensor([n.T], () => 0);
  const [actual, wanted] = [gatedDeltaproduct(x, o), gatedDeltanet({ ...x, g }, { scale: o.scale })];
  same(actual.out, wanted.out);
  same(actual.state, wanted.state);
});
law("writes of strength 0 are none", cases(gatedDeltaproduct), ({ x, n, o }) => {
  const R = n.R;
  const first = (t: typeof x.k) => pick(t, 0, n.T, (s) => s * R);
  const beta = edit(x.beta, (b, s) => (s % R === 0 ? b : 0));
  const [many, one] = [
    gatedDeltaproduct({ ...x, beta }, o),
    gatedDeltaproduct({ ...x, k: first(x.k), v: first(x.v), beta: first(x.beta) }, { ...o, nH: 1 }),
  ];
  same(many.out, one.out);
  same(many.state, one.state);
});
law(
  "without decay it is DeltaNet on all writes, read after the last of each token",
  cases(gatedDeltaproduct, { given: { g: false } }),
  ({ x, n, o }) => {
    const { nH, scale } = o;
    const q = pick(x.q, 0, n.T * nH, (s) => Math.floor(s / nH));
    const all = deltanet({ ...x, q }, { scale });
    same(
      gatedDeltaproduct(x, o).out,
      pick(all.out, 0, n.T, (t) => t * nH + nH - 1),
    );
    same(gatedDeltaproduct(x, o).state, all.state);
  },
);
law(
  "the state fades with the first write of a token",
  cases(gatedDeltaproduct, { given: { g: true } }),
  ({ x, n, o }) => {
    const { nH, scale } = o;
    const q = pick(x.q, 0, n.T * nH, (s) => Math.floor(s / nH));
    const g = tensor([n.T * nH], (s) => (s % nH === 0 ? at(x.g, s / nH) : 0));
    same(
      gatedDeltaproduct(x, o).out,
      pick(gatedDeltanet({ ...x, q, g }, { scale }).out, 0, n.T, (t) => t * nH + nH - 1),
    );
  },
);
