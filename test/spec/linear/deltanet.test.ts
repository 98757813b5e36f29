import { deltanet } from "../../../spec/linear/deltanet.ts";
import { gatedLinearAttention } from "../../../spec/linear/gated-linear-attention.ts";
import { at, cases, edit, example, join, law, same, specify, tensor } from "../../kit.ts";

specify(deltanet);

example(
  "strength ½: 8 is half written, then half of the way from 4 to 6 is gone",
  deltanet,
  { q: [[1], [1]], k: [[1], [1]], v: [[8], [6]], beta: [0.5, 0.5] },
  { out: [[4], [5]], state: [[5]] },
);
example(
  "strength 1 replaces what the state holds for a key and leaves what it holds for another",
  deltanet,
  {
    q: [
      [1, 0],
      [1, 1],
    ],
    k: [
      [1, 0],
      [0, 1],
    ],
    v: [[3], [5]],
    beta: [1, 1],
    state: [[7], [9]],
  },
  { out: [[3], [8]], state: [[3], [5]] },
  { scale: 1 },
);
example(
  "keys that are not orthogonal: what (1, 1) reads, 4, is not in the state a second time",
  deltanet,
  {
    q: [
      [0, 0],
      [1, 2],
    ],
    k: [
      [1, 0],
      [1, 1],
    ],
    v: [[4], [10]],
    beta: [1, 1],
  },
  { out: [[0], [22]], state: [[10], [6]] },
  { scale: 1 },
);
example(
  "at D = 4 the query is halved, the key is not",
  deltanet,
  { q: [[6, 0, 0, 0]], k: [[1, 0, 0, 0]], v: [[2]], beta: [1] },
  { out: [[6]] },
);

law("is what a triangular system writes (the parallel form)", cases(deltanet), ({ x, n, o }) => {
  const dot = (a: typeof x.q, t: number, s: number) => {
    let total = 0;
    for (let d = 0; d < n.D; d++) total += at(a, t, d) * at(x.k, s, d);
    return total;
  };
  const held = (a: typeof x.q, t: number, e: number) => {
    let total = 0;
    for (let d = 0; d < n.D; d++) total += x.state ? at(a, t, d) * at(x.state, d, e) : 0;
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
    deltanet(x, o).out,
    tensor(
      [n.T, n.E],
      (t, e) =>
        o.scale *
        u.slice(0, t + 1).reduce((total, written, s) => total + dot(x.q, t, s) * written[e]!, held(x.q, t, e)),
    ),
  );
});
law("strength 0 leaves the state as it was", cases(deltanet, { given: { state: true } }), ({ x, o }) =>
  same(deltanet({ ...x, beta: edit(x.beta, () => 0) }, o).state, x.state),
);
law("a key of length 1 written with strength 1 gives back its value", cases(deltanet), ({ x, n }) => {
  const k = tensor([n.T, n.D], (t, d) => Number(d === t % n.D));
  const { out } = deltanet({ ...x, q: k, k, beta: edit(x.beta, () => 1) }, { scale: 1 });
  same(out, x.v);
});
law("the same write twice with strength 1 is the same as once", cases(deltanet), ({ x, n, o }) => {
  const k = tensor([n.T, n.D], (t, d) => Number(d === t % n.D));
  const beta = edit(x.beta, () => 1);
  const repeated = deltanet(
    {
      ...x,
      q: join(0, x.q, x.q),
      k: join(
        0,
        k,
        tensor([n.T, n.D], (_, d) => at(k, n.T - 1, d)),
      ),
      v: join(
        0,
        x.v,
        tensor([n.T, n.E], (_, e) => at(x.v, n.T - 1, e)),
      ),
      beta: join(0, beta, beta),
    },
    o,
  );
  same(repeated.state, deltanet({ ...x, k, beta }, o).state);
});
law(
  "orthonormal keys find nothing to take away: linear attention with the values weakened by the strengths",
  cases(deltanet, { sizes: { D: 5 }, given: { state: false } }),
  ({ x, n, o }) => {
    const k = tensor([n.T, n.D], (t, d) => Number(d === t));
    const wanted = gatedLinearAttention(
      { q: x.q, k, v: edit(x.v, (value, t) => value * at(x.beta, t)), g: edit(x.q, () => 0) },
      o,
    );
    const actual = deltanet({ ...x, k }, o);
    same(actual.out, wanted.out);
    same(actual.state, wanted.state);
  },
);
