import { scaledDotProductAttention as attention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { infiniAttention as infini } from "../../../spec/memory/infini-attention.ts";
import { rotaryPositionEmbedding as rope } from "../../../spec/positional/rotary-position-embedding.ts";
import { at, cases, edit, example, join, law, refuses, same, span, specify, type Tensor, tensor } from "../../kit.ts";

specify(infini);

const ln3 = Math.log(3);
const two = { q: [[[9], [0]]], k: [[[1], [0]]], v: [[[3], [7]]], beta: [ln3] };
example(
  "σ(1) = 2 and σ(0) = 1: the second token finds 3 in the memory and 7 beside itself; the gate is ¾",
  infini,
  two,
  { out: [[[3], [4]]], memory: [[[13]]], z: [[3]] },
  { segment: 1, rope: false },
);
example(
  "the delta rule adds 7 less the 3 that are known",
  infini,
  two,
  { out: [[[3], [4]]], memory: [[[10]]], z: [[3]] },
  { segment: 1, rope: false, update: "delta" },
);
example(
  "mixed with an empty memory the first token keeps a quarter",
  infini,
  two,
  { out: [[[0.75], [4]]] },
  { segment: 1, rope: false, firstSegment: "mix" },
);
example(
  "a query below zero counts by its exponential: half of one and one of two cells",
  infini,
  { q: [[[-Math.LN2, 0]]], k: [[[0, 0]]], v: [[[6]]], beta: [0], memory: [[[8], [2]]], z: [[2, 2]] },
  { out: [[[4]]], memory: [[[14], [8]]], z: [[3, 3]] },
  { rope: false },
);
example(
  "a divisor of 2 is raised to ε = 4",
  infini,
  { q: [[[0]]], k: [[[0]]], v: [[[5.5]]], beta: [ln3], memory: [[[6]]], z: [[2]] },
  { out: [[[2.5]]] },
  { rope: false, eps: 4 },
);
example(
  "ε is 10⁻¹⁰ unless given",
  infini,
  { q: [[[0]]], k: [[[0]]], v: [[[0]]], beta: [0], memory: [[[8e-10]]], z: [[0.5e-10]] },
  { out: [[[4]]] },
  { rope: false },
);
example(
  "rotary unless told otherwise: the second query turned by 1 meets the key it would meet unturned",
  infini,
  {
    q: [
      [
        [0, 0],
        [1, 0],
      ],
    ],
    k: [
      [
        [Math.SQRT2 * ln3 * Math.cos(1), Math.SQRT2 * ln3 * Math.sin(1)],
        [0, 0],
      ],
    ],
    v: [[[8], [0]]],
    beta: [0],
  },
  { out: [[[8], [6]]] },
);
example(
  "the second pair of four turns by a hundredth",
  infini,
  {
    q: [
      [
        [0, 0, 0, 0],
        [0, 0, 1, 0],
      ],
    ],
    k: [
      [
        [0, 0, 0, (2 * ln3) / Math.sin(0.01)],
        [0, 0, 0, 0],
      ],
    ],
    v: [[[8], [0]]],
    beta: [0],
  },
  { out: [[[8], [6]]] },
);
refuses("even D", infini, { q: [[[1]]], k: [[[1]]], v: [[[1]]], beta: [0] });
refuses("go together", infini, { q: [[[1]]], k: [[[1]]], v: [[[1]]], beta: [0], z: [[1]] }, { rope: false });

const fresh = { memory: false, z: false };
const turned = (t: Tensor, n: { H: number; T: number }, on: boolean) =>
  on ? rope({ x: t, positions: tensor([n.H, n.T], (_, place) => place) }, { layout: "interleaved" }).out : t;
const part = <X extends { q: Tensor; k: Tensor; v: Tensor }>(x: X, from: number, to: number): X => ({
  ...x,
  q: span(x.q, 1, from, to),
  k: span(x.k, 1, from, to),
  v: span(x.v, 1, from, to),
});
law(
  "one segment and no memory is causal attention, rotary or not",
  cases(infini, { given: fresh, options: { firstSegment: "dot" } }),
  ({ x, n, o }) =>
    same(
      infini(x, { ...o, segment: Number.POSITIVE_INFINITY }).out,
      attention({ q: turned(x.q, n, o.rope), k: turned(x.k, n, o.rope), v: x.v }, { causal: true }).out,
    ),
);
law(
  "a closed gate leaves each segment to itself",
  cases(infini, { sizes: { T: 5 }, options: { segment: 2 } }),
  ({ x, o }) => {
    const shut = { ...x, beta: edit(x.beta, () => -1e4) };
    const alone = (from: number, to: number) => infini(part(shut, from, to), o).out;
    same(infini(shut, o).out, join(1, alone(0, 2), alone(2, 4), alone(4, 5)));
  },
);
law(
  "cut after whole segments and resumed from memory and z, is the whole",
  cases(infini, { sizes: { T: 5 }, options: { segment: 2 } }),
  ({ x, o }) => {
    const whole = infini(x, o);
    for (const cut of [2, 4]) {
      const { out, memory, z } = infini(part(x, 0, cut), o);
      const tail = infini({ ...part(x, cut, 5), memory, z }, o);
      same(join(1, out, tail.out), whole.out);
      same(tail.memory, whole.memory);
      same(tail.z, whole.z);
    }
  },
);
law(
  "an open gate on later segments is linear attention to all tokens of the earlier ones",
  cases(infini, { sizes: { T: 5 }, given: fresh, options: { segment: 2, update: "linear", eps: 1e-10 } }),
  ({ x, n, o }) => {
    const positive = (value: number) => (value > 0 ? value + 1 : Math.exp(value));
    const open = infini({ ...x, beta: edit(x.beta, () => 1e4) }, o).out;
    const weight = (h: number, t: number, s: number) =>
      Array.from({ length: n.D }, (_, d) => positive(at(x.q, h, t, d)) * positive(at(x.k, h, s, d))).reduce(
        (a, b) => a + b,
      );
    for (const t of [2, 3, 4]) {
      const past = t < 4 ? [0, 1] : [0, 1, 2, 3];
      const total = (h: number) => past.reduce((sum, s) => sum + weight(h, t, s), 0);
      same(
        span(open, 1, t, t + 1),
        tensor(
          [n.H, 1, n.E],
          (h, _, e) => past.reduce((sum, s) => sum + weight(h, t, s) * at(x.v, h, s, e), 0) / total(h),
        ),
      );
    }
  },
);
law(
  "the delta rule adds nothing to a memory of one pair that is given again",
  cases(infini, { sizes: { T: 2 }, given: fresh, options: { segment: 1, update: "delta", eps: 1e-10 } }),
  ({ x, o }) => {
    const twice = (t: Tensor) => join(1, span(t, 1, 0, 1), span(t, 1, 0, 1));
    const again = { ...x, k: twice(x.k), v: twice(x.v) };
    const once = infini(part(again, 0, 1), o);
    same(infini(again, o).memory, once.memory);
    same(
      infini(again, o).z,
      edit(once.z, (z) => 2 * z),
    );
  },
);
law(
  "values that are all the same come back, by attention and by a linear memory",
  cases(infini, { given: fresh, options: { update: "linear", firstSegment: "dot", eps: 1e-10 } }),
  ({ x, o }) => {
    const v = edit(x.v, () => 1.5);
    same(infini({ ...x, v }, o).out, v);
  },
);
