import { deltanet } from "../../../spec/linear/deltanet.ts";
import { gatedDeltanet } from "../../../spec/linear/gated-deltanet.ts";
import { gatedLinearAttention } from "../../../spec/linear/gated-linear-attention.ts";
import { at, cases, edit, example, law, same, specify, tensor } from "../../kit.ts";

specify(gatedDeltanet);

const half = Math.log(0.5);
example(
  "8 fades to 4 before it is read: half of the way from 4 to 10 is 7",
  gatedDeltanet,
  { q: [[1], [1]], k: [[1], [1]], v: [[8], [10]], g: [-7, half], beta: [1, 0.5] },
  { out: [[8], [7]], state: [[7]] },
);
example(
  "what the key does not meet fades all the same, 6 to 3",
  gatedDeltanet,
  { q: [[1, 1]], k: [[1, 0]], v: [[1]], g: [half], beta: [1], state: [[4], [6]] },
  { out: [[4]], state: [[1], [3]] },
  { scale: 1 },
);
example(
  "at D = 4 the query is halved, the key is not",
  gatedDeltanet,
  { q: [[6, 0, 0, 0]], k: [[1, 0, 0, 0]], v: [[2]], g: [0], beta: [1] },
  { out: [[6]] },
);

law("without decay it is DeltaNet", cases(gatedDeltanet), ({ x: { g, ...rest }, o }) => {
  const [actual, wanted] = [gatedDeltanet({ ...rest, g: edit(g, () => 0) }, o), deltanet(rest, o)];
  same(actual.out, wanted.out);
  same(actual.state, wanted.state);
});
law(
  "is what a triangular system of decayed products writes (the parallel form)",
  cases(gatedDeltanet),
  ({ x, n, o }) => {
    const left = (s: number, t: number) => {
      let total = 0;
      for (let u = s + 1; u <= t; u++) total += at(x.g, u);
      return Math.exp(total);
    };
    const dot = (a: typeof x.q, t: number, s: number) => {
      let total = 0;
      for (let d = 0; d < n.D; d++) total += at(a, t, d) * at(x.k, s, d);
      return left(s, t) * total;
    };
    const held = (a: typeof x.q, t: number, e: number) => {
      let total = 0;
      for (let d = 0; d < n.D; d++) total += x.state ? at(a, t, d) * at(x.state, d, e) : 0;
      return left(-1, t) * total;
    };
    const u: number[][] = [];
    for (let t = 0; t < n.T; t++)
      u.push(
        Array.from({ length: n.E }, (_, e) =>
          u.reduce(
            (rest, written, s) => rest - at(x.beta, t) * dot(x.k, t, s) * written[e]!,
            at(x.beta, t) * (at(x.v, t, e) - held(x.k, t, e)),
          ),
        ),
      );
    same(
      gatedDeltanet(x, o).out,
      tensor(
        [n.T, n.E],
        (t, e) =>
          o.scale *
          u.slice(0, t + 1).reduce((total, written, s) => total + dot(x.q, t, s) * written[e]!, held(x.q, t, e)),
      ),
    );
  },
);
law(
  "a key of length 1 written with strength 1 gives back its value, whatever the gates",
  cases(gatedDeltanet),
  ({ x, n }) => {
    const k = tensor([n.T, n.D], (t, d) => Number(d === t % n.D));
    same(gatedDeltanet({ ...x, q: k, k, beta: edit(x.beta, () => 1) }, { scale: 1 }).out, x.v);
  },
);
law(
  "orthonormal keys find nothing to take away: gated linear attention with one gate for all rows",
  cases(gatedDeltanet, { sizes: { D: 5 }, given: { state: false } }),
  ({ x, n, o }) => {
    const k = tensor([n.T, n.D], (t, d) => Number(d === t));
    const wanted = gatedLinearAttention(
      { q: x.q, k, v: edit(x.v, (value, t) => value * at(x.beta, t)), g: edit(x.q, (_, t) => at(x.g, t)) },
      o,
    );
    const actual = gatedDeltanet({ ...x, k }, o);
    same(actual.out, wanted.out);
    same(actual.state, wanted.state);
  },
);
