import { longhorn } from "../../../spec/linear/longhorn.ts";
import { longhornLayer as layer } from "../../../spec/linear/longhorn-layer.ts";
import { at, cases, edit, example, law, refuses, same, specify, tensor } from "../../kit.ts";

specify(layer);

const silu = (x: number) => x / (1 + Math.exp(-x));
const x = silu(2 * 6 + 5 * 7 + 1);
const one = {
  u: [[2]],
  wIn: [[3, 4]],
  conv: [[11, 5, 2]],
  convB: [1],
  wX: [[0, 1 / x, 2 / x]],
  wDt: [[9]],
  bDt: [0],
  dSkip: [0],
  wOut: [[3]],
  state: [[6]],
  cache: [[13, 0, 7]],
};
example("taps on 6, on 7 before it and on nothing; a key of 1 and a query of 2; b = ½ makes a step of ⅓", layer, one, {
  state: [[4 + x / 3]],
  out: [[3 * silu(8) * 2 * (4 + x / 3)]],
  cache: [[0, 7, 6]],
});
example(
  "the rank's column times wDt and the bias: dt = 9 · ½ − 4.5 + ln 3, b = ¾; the skip",
  layer,
  { ...one, wX: [[0.5 / x, 1 / x, 0]], bDt: [Math.log(3) - 4.5], dSkip: [10] },
  { state: [[6 - (3 / 7) * (6 - x)]], out: [[3 * silu(8) * 10 * x]] },
);
const { state: _, ...stateless } = one;
refuses("Ax must leave room", layer, { ...stateless, wX: [[1]] });

law("is the recurrence between its projections", cases(layer, { sizes: { K: 1 } }), ({ x: given, n, o }) => {
  const { u, wIn, conv, convB, wX, wDt, bDt, dSkip, wOut, state } = given;
  const into = (a: number, t: number) => {
    let total = 0;
    for (let m = 0; m < n.M; m++) total += at(u, t, m) * at(wIn, m, a);
    return total;
  };
  const branch = tensor([n.T, n.A], (t, a) => silu(at(conv, a, 0) * into(a, t) + at(convB, a)));
  const made = (t: number, c: number) => {
    let total = 0;
    for (let a = 0; a < n.A; a++) total += at(branch, t, a) * at(wX, a, c);
    return total;
  };
  const inner = longhorn(
    {
      x: branch,
      k: tensor([n.T, n.N], (t, i) => made(t, n.R + i)),
      q: tensor([n.T, n.N], (t, i) => made(t, n.R + n.N + i)),
      dt: tensor([n.T, n.A], (t, a) => {
        let total = at(bDt, a);
        for (let r = 0; r < n.R; r++) total += made(t, r) * at(wDt, r, a);
        return total;
      }),
      dSkip,
      ...(state && { state }),
    },
    o,
  );
  const actual = layer(given, o);
  same(actual.state, inner.state);
  same(
    actual.out,
    tensor([n.T, n.Mo], (t, m) => {
      let total = 0;
      for (let a = 0; a < n.A; a++) total += at(inner.out, t, a) * silu(into(n.A + a, t)) * at(wOut, a, m);
      return total;
    }),
  );
});
law("the oldest of the cached values is not read", cases(layer, { given: { cache: true } }), ({ x: given, o }) =>
  same(layer({ ...given, cache: edit(given.cache, (v, _, j) => (j ? v : v + 1)) }, o).out, layer(given, o).out),
);
law("only the diagonal is used unless said otherwise", cases(layer, { sizes: { Ax: 5, R: 1 } }), ({ x: given }) =>
  same(layer(given).state, layer(given, { exact: false }).state),
);
