import { sparseyCodeSelection as sparsey } from "../../../spec/memory/sparsey-code-selection.ts";
import { at, cases, edit, example, fail, law, same, specify, tensor } from "../../kit.ts";

specify(sparsey);

const logistic = (x: number) => 1 / (1 + Math.exp(-x));
const known = [
  [
    [1, 1, 0],
    [1, 0, 1],
  ],
];
const likely = 1 + 200 * logistic(14);
example(
  "a known input: support 1 and ½, η = 1 + 100 · 2, the sigmoid 28 steep about ½",
  sparsey,
  { a: [1, 1, 0], w: known },
  {
    familiarity: 1,
    rho: [[likely / (likely + 101), 101 / (likely + 101)]],
    winner: [0],
    code: [[1, 0]],
    w: known,
  },
);
const weak = 1 + 200 * (4 / 9) ** 2 * 0.5;
const idle = 1 + 200 * (4 / 9) ** 2 * logistic(-14);
example(
  "half known: ((½ − 0.1) / 0.9)² of the range",
  sparsey,
  {
    a: [1, 1, 0],
    w: [
      [
        [0, 0, 0],
        [0, 1, 1],
      ],
    ],
  },
  {
    familiarity: 0.5,
    rho: [[idle / (idle + weak), weak / (idle + weak)]],
    winner: [1],
    w: [
      [
        [0, 0, 0],
        [0, 1, 1],
      ],
    ],
  },
);
const three = { a: [1], w: [[[0], [0], [0], [0]]] };
example("unknown: all alike, and the first wins", sparsey, three, {
  familiarity: 0,
  rho: [[0.25, 0.25, 0.25, 0.25]],
  winner: [0],
});
example("a draw below ¼ is the first unit", sparsey, { ...three, draw: [0.249] }, { winner: [0] });
example("¼ itself the second", sparsey, { ...three, draw: [0.25] }, { winner: [1], code: [[0, 1, 0, 0]] });
example("1 the last", sparsey, { ...three, draw: [1] }, { winner: [3] });
example(
  "modules draw apart; the code is learned from the active inputs only",
  sparsey,
  {
    a: [1, 0],
    w: [
      [
        [0, 1],
        [0, 0],
      ],
      [
        [0, 0],
        [0, 0],
      ],
    ],
    draw: [0.1, 0.9],
  },
  {
    winner: [0, 1],
    w: [
      [
        [1, 1],
        [0, 0],
      ],
      [
        [0, 0],
        [1, 0],
      ],
    ],
  },
  { learn: true },
);
example(
  "familiarity is the mean over modules, and a context halves a support",
  sparsey,
  { a: [1], w: [[[1]], [[1]]], context: [[1], [0.5]] },
  { familiarity: 0.75 },
);
example("no active input is no support", sparsey, { a: [0, 0], w: [[[1, 1]]] }, { familiarity: 0, winner: [0] });
example(
  "χ, γ, F₀, λ and μ given: η − 1 is 2 · 2 · ½, the sigmoids ¾ and ¼",
  sparsey,
  {
    a: [1, 1],
    w: [
      [
        [1, 1],
        [0, 0],
      ],
    ],
    context: [[0.75, 1]],
  },
  { familiarity: 0.75, rho: [[2.5 / 4, 1.5 / 4]] },
  { chi: 2, gamma: 1, floor: 0.5, steepness: (Math.log(3) * 8) / 3, centre: 0.375 },
);

law("one unit wins in each module", cases(sparsey), ({ x, n, o }) => {
  const { code, winner } = sparsey(x, o);
  same(
    code,
    tensor([n.G, n.N], (g, unit) => Number(unit === at(winner, g))),
  );
});
law(
  "an input learned by an empty memory is wholly familiar, and retrieval finds its code",
  cases(sparsey, { given: { context: false, draw: true } }),
  ({ x, o }) => {
    if (!Array.from(x.a.data).some(Boolean)) return;
    const stored = sparsey({ ...x, w: edit(x.w, () => 0) }, { ...o, learn: true });
    const again = sparsey({ a: x.a, w: stored.w }, o);
    same(again.winner, stored.winner);
    if (Math.abs(at(again.familiarity) - 1) > 1e-12) fail(`its familiarity is ${at(again.familiarity)}`);
  },
);
law("weights are never cleared, and without learning never set", cases(sparsey), ({ x, o }) => {
  same(sparsey(x, { ...o, learn: false }).w, x.w);
  const { w } = sparsey(x, { ...o, learn: true });
  for (const [i, before] of Array.from(x.w.data).entries())
    if ((w.data[i] ?? 0) < before) fail(`weight ${i} was cleared`);
});
law("at or below the floor every unit is as likely as any", cases(sparsey), ({ x, n, o }) => {
  const { rho, familiarity } = sparsey(x, o);
  if (at(familiarity) <= o.floor)
    same(
      rho,
      edit(rho, () => 1 / n.N),
    );
});
law(
  "retrieval takes the likeliest unit",
  cases(sparsey, { given: { draw: false }, options: { chi: 2, steepness: 4 } }),
  ({ x, n, o }) => {
    const { rho, winner } = sparsey(x, o);
    for (let g = 0; g < n.G; g++)
      for (let unit = 0; unit < n.N; unit++)
        if (at(rho, g, unit) > at(rho, g, at(winner, g)) * (1 + 1e-12)) fail(`unit ${unit} of module ${g} is likelier`);
  },
);
