import { lightningAttention } from "../../../spec/linear/lightning-attention.ts";
import { retention } from "../../../spec/linear/retention.ts";
import { at, cases, edit, example, law, same, specify, tensor } from "../../kit.ts";

specify(retention);

example(
  "heads 0 and 1 keep 31/32 and 63/64; at D = 4 the scale is ½",
  retention,
  {
    q: [
      [
        [1, 0, 0, 0],
        [1, 0, 0, 0],
      ],
      [
        [1, 0, 0, 0],
        [1, 0, 0, 0],
      ],
    ],
    k: [
      [
        [1, 0, 0, 0],
        [1, 0, 0, 0],
      ],
      [
        [1, 0, 0, 0],
        [1, 0, 0, 0],
      ],
    ],
    v: [
      [[32], [1]],
      [[64], [1]],
    ],
  },
  {
    out: [
      [[16], [16]],
      [[32], [32]],
    ],
    state: [
      [[32], [0], [0], [0]],
      [[64], [0], [0], [0]],
    ],
    decaySum: [63 / 32, 127 / 64],
  },
);
const tripled = { gamma: [3], v: [[[10], [10]]], q: [[[1], [1]]] };
example(
  "normalised: rows of the decay sum to 1 and 4, whose roots divide",
  retention,
  { ...tripled, k: [[[0.1], [0.1]]] },
  { out: [[[1], [2]]], keySum: [[0.4]], decaySum: [4] },
  { normalised: true },
);
example(
  "normalised: rows of scores that sum to −5 and −20 divide by that",
  retention,
  { ...tripled, k: [[[-5], [-5]]] },
  { out: [[[-10], [-10]]] },
  { normalised: true },
);
example(
  "normalised: the scale counts, so that 3 is 1½, and states go on",
  retention,
  { q: [[[1]]], k: [[[2]]], v: [[[6]]], gamma: [2], state: [[[3]]], keySum: [[0.5]], decaySum: [0] },
  { out: [[[6]]], state: [[[18]]], keySum: [[3]], decaySum: [1] },
  { normalised: true, scale: 0.5 },
);

const sums = (length: number, f: (i: number) => number) =>
  Array.from({ length }, (_, i) => f(i)).reduce((a, b) => a + b, 0);
const fresh = { state: false, keySum: false, decaySum: false };
law(
  "in parallel it is the masked product of scores and decay, normalised by rows",
  cases(retention, { given: fresh }),
  ({ x, n, o }) => {
    const gamma = (h: number) => (x.gamma ? at(x.gamma, h) : 1 - 2 ** (-5 - h));
    const decay = (h: number, t: number, s: number) =>
      gamma(h) ** (t - s) / (o.normalised ? Math.sqrt(sums(t + 1, (i) => gamma(h) ** i)) : 1);
    const score = (h: number, t: number, s: number) =>
      o.scale * decay(h, t, s) * sums(n.D, (d) => at(x.q, h, t, d) * at(x.k, h, s, d));
    const row = (h: number, t: number) =>
      o.normalised ? Math.max(Math.abs(sums(t + 1, (s) => score(h, t, s))), 1) : 1;
    same(
      retention(x, o).out,
      tensor([n.H, n.T, n.E], (h, t, e) => sums(t + 1, (s) => score(h, t, s) * at(x.v, h, s, e)) / row(h, t)),
    );
  },
);
law(
  "a factor of 1 is lightning attention that never fades",
  cases(retention, { options: { normalised: false } }),
  ({ x, n, o }) => {
    const q = edit(x.q, (value) => o.scale * value);
    same(
      retention({ ...x, gamma: tensor([n.H], () => 1) }, o).out,
      lightningAttention({ q, k: x.k, v: x.v, ...(x.state && { state: x.state }) }).out,
    );
  },
);
law("a factor of 0 leaves every token to itself", cases(retention, { options: { normalised: false } }), ({ x, n, o }) =>
  same(
    retention({ ...x, gamma: tensor([n.H], () => 0) }, o).out,
    edit(x.v, (value, h, t) => o.scale * value * sums(n.D, (d) => at(x.q, h, t, d) * at(x.k, h, t, d))),
  ),
);
