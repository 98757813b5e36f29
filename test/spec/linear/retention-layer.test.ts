import { retention } from "../../../spec/linear/retention.ts";
import { retentionLayer } from "../../../spec/linear/retention-layer.ts";
import { rotaryPositionEmbedding } from "../../../spec/positional/rotary-position-embedding.ts";
import { at, cases, edit, example, law, same, specify, tensor, tensorOf } from "../../kit.ts";

specify(retentionLayer);

const ln3 = Math.log(3);
const total = (length: number, f: (i: number) => number) =>
  Array.from({ length }, (_, i) => f(i)).reduce((a, b) => a + b, 0);
const zeros = (rows: number, columns: number) =>
  Array.from({ length: rows }, () => Array.from({ length: columns }, () => 0));
example(
  "nothing read or written: the state keeps 31/32 and the position grows by the two tokens",
  retentionLayer,
  {
    x: [[1], [1]],
    wQ: zeros(1, 2),
    wK: zeros(1, 2),
    wV: zeros(1, 1),
    wG: zeros(1, 1),
    wO: [[1]],
    state: [[[1024], [0]]],
    position: 5,
  },
  { out: [[0], [0]], state: [[[961], [0]]], position: 7 },
);
example(
  "a norm of 3 and 4, gain, and the gate silu(ln 3) = ¾ ln 3",
  retentionLayer,
  {
    x: [[1]],
    wQ: [[1, 1]],
    wK: [[1, 1]],
    wV: [[300, 400]],
    wG: [[ln3, ln3]],
    norm: [1, 2],
    wO: [
      [Math.SQRT2, 0],
      [0, Math.SQRT2],
    ],
  },
  { out: [[0.75 * ln3 * (6 / 5), 1.5 * ln3 * (8 / 5)]] },
  { eps: 1e-300 },
);
example(
  "the default ε of 10⁻⁵ halves a mean square of 10⁻⁵; at D = 2 the scale is 1/√2",
  retentionLayer,
  { x: [[1]], wQ: [[1, 0]], wK: [[Math.SQRT2, 0]], wV: [[Math.sqrt(1e-5)]], wG: [[100]], wO: [[1]] },
  { out: [[100 / Math.SQRT2]] },
);
const [near, far] = [Math.cos(1), Math.cos(0.01)];
for (const [name, columns, layout] of [
  ["2 and 3 the other", [[1, 0, 1, 0]], "interleaved"],
  ["1 and 3 the other", [[1, 1, 0, 0]], "half"],
] as const)
  example(
    `a token apart, features of one pair turn by 1, ${name} by 1/100`,
    retentionLayer,
    {
      x: [
        [1, 0],
        [1, 1],
      ],
      wQ: [...columns, [0, 0, 0, 0]],
      wK: [...columns, [0, 0, 0, 0]],
      wV: [
        [32, 0],
        [-32, 62],
      ],
      wG: [
        [100, 100],
        [0, 0],
      ],
      wO: [
        [1, 0],
        [0, 1],
      ],
    },
    {
      out: [
        [100 * Math.SQRT2, 0],
        [1, 2].map((i) => ((100 * (i === 1 ? near + far : 4)) / Math.hypot(near + far, 4)) * Math.SQRT2),
      ],
    },
    { layout, eps: 1e-300 },
  );

law("is retention of turned queries and keys, a norm of each head and a gate", cases(retentionLayer), ({ x, n, o }) => {
  const projected = (w: typeof x.wQ, width: number) =>
    tensor([n.H, n.T, width], (h, t, d) => total(n.M, (m) => at(x.x, t, m) * at(w, m, h * width + d)));
  const first = x.position ? x.position.data[0]! : 0;
  const positions = tensor([n.H, n.T], (_, t) => first + t);
  const turned = (w: typeof x.wQ) =>
    rotaryPositionEmbedding({ x: projected(w, n.D), positions }, { base: o.base, layout: o.layout }).out;
  const read = retention(
    { q: turned(x.wQ), k: turned(x.wK), v: projected(x.wV, n.E), ...(x.state && { state: x.state }) },
    { scale: o.scale },
  );
  const gate = projected(x.wG, n.E);
  const y = edit(read.out, (value, h, t, e) => {
    const size = Math.sqrt(total(n.E, (i) => at(read.out, h, t, i) ** 2) / n.E + o.eps);
    const g = at(gate, h, t, e);
    return (value / size) * (x.norm ? at(x.norm, e) : 1) * (g / (1 + Math.exp(-g)));
  });
  const actual = retentionLayer(x, o);
  same(actual.state, read.state);
  same(
    actual.out,
    tensor([n.T, n.Mo], (t, m) => total(n.H, (h) => total(n.E, (e) => at(y, h, t, e) * at(x.wO, h * n.E + e, m)))),
  );
});
law("only distances count", cases(retentionLayer, { given: { state: false, position: false } }), ({ x, o }) =>
  same(retentionLayer({ ...x, position: tensorOf(3) }, o).out, retentionLayer(x, o).out),
);
