import { deltanet } from "../../../spec/linear/deltanet.ts";
import { gatedDeltanet } from "../../../spec/linear/gated-deltanet.ts";
import { gatedLinearAttention } from "../../../spec/linear/gated-linear-attention.ts";
import { kimiDeltaAttention as kda } from "../../../spec/linear/kimi-delta-attention.ts";
import { at, cases, edit, example, law, same, specify, tensor } from "../../kit.ts";

specify(kda);

const half = Math.log(0.5);
example(
  "8 fades to 4 before it is read: half of the way from 4 to 10 is 7",
  kda,
  { q: [[1], [1]], k: [[1], [1]], v: [[8], [10]], g: [[-7], [half]], beta: [1, 0.5] },
  { out: [[8], [7]], state: [[7]] },
);
example(
  "the rows fade apart: 4 to 2 and 10 to 2; the key reads both, and writes half of the 6 that lack",
  kda,
  { q: [[1, 1]], k: [[1, 1]], v: [[10]], g: [[half, Math.log(0.2)]], beta: [0.5], state: [[4], [10]] },
  { out: [[10]], state: [[5], [5]] },
  { scale: 1 },
);
example(
  "at D = 4 the query is halved, the key is not",
  kda,
  { q: [[6, 0, 0, 0]], k: [[1, 0, 0, 0]], v: [[2]], g: [[0, 0, 0, 0]], beta: [1] },
  { out: [[6]] },
);

law("one gate for all rows is Gated DeltaNet", cases(kda), ({ x, n, o }) => {
  const g = tensor([n.T], (t) => at(x.g, t, 0));
  const [actual, wanted] = [kda({ ...x, g: edit(x.g, (_, t) => at(g, t)) }, o), gatedDeltanet({ ...x, g }, o)];
  same(actual.out, wanted.out);
  same(actual.state, wanted.state);
});
law("without decay it is DeltaNet", cases(kda), ({ x: { g, ...rest }, o }) => {
  const [actual, wanted] = [kda({ ...rest, g: edit(g, () => 0) }, o), deltanet(rest, o)];
  same(actual.out, wanted.out);
  same(actual.state, wanted.state);
});
law("is what a triangular system of decayed products writes (the parallel form)", cases(kda), ({ x, n, o }) => {
  const left = (d: number, s: number, t: number) => {
    let total = 0;
    for (let u = s + 1; u <= t; u++) total += at(x.g, u, d);
    return Math.exp(total);
  };
  const dot = (a: typeof x.q, t: number, s: number) => {
    let total = 0;
    for (let d = 0; d < n.D; d++) total += at(a, t, d) * left(d, s, t) * at(x.k, s, d);
    return total;
  };
  const held = (a: typeof x.q, t: number, e: number) => {
    let total = 0;
    for (let d = 0; d < n.D; d++) total += x.state ? at(a, t, d) * left(d, -1, t) * at(x.state, d, e) : 0;
    return total;
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
    kda(x, o).out,
    tensor(
      [n.T, n.E],
      (t, e) =>
        o.scale *
        u.slice(0, t + 1).reduce((total, written, s) => total + dot(x.q, t, s) * written[e]!, held(x.q, t, e)),
    ),
  );
});
law(
  "one-hot keys find nothing to take away: gated linear attention",
  cases(kda, { sizes: { D: 5 }, given: { state: false } }),
  ({ x, n, o }) => {
    const k = tensor([n.T, n.D], (t, d) => Number(d === t));
    const wanted = gatedLinearAttention({ q: x.q, k, v: edit(x.v, (value, t) => value * at(x.beta, t)), g: x.g }, o);
    const actual = kda({ ...x, k }, o);
    same(actual.out, wanted.out);
    same(actual.state, wanted.state);
  },
);
