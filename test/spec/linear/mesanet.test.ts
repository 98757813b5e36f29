import { gatedLinearAttention } from "../../../spec/linear/gated-linear-attention.ts";
import { mesanet } from "../../../spec/linear/mesanet.ts";
import { at, cases, edit, example, law, pick, same, specify, tensor } from "../../kit.ts";

specify(mesanet);

const half = Math.log(0.5);
example(
  "G = ½ · 4 + ½ · 2 = 3 and λ = 1 quarter the query 8; H = ½ · 6 + ½ · 14 = 10",
  mesanet,
  {
    q: [[8]],
    k: [[Math.SQRT2]],
    v: [[14 / Math.SQRT2]],
    g: [half],
    beta: [0.5],
    lambda: [1],
    stateG: [[4]],
    stateH: [[6]],
  },
  { out: [[20]], stateG: [[3]], stateH: [[10]] },
);
const plane = {
  k: [[1, 1]],
  v: [[3]],
  g: [0],
  beta: [1],
  lambda: [1, 2],
};
example(
  "the matrix (2 1; 1 3) takes (5, 5) back to (2, 1)",
  mesanet,
  { q: [[5, 5]], ...plane },
  {
    out: [[9]],
    stateG: [
      [1, 1],
      [1, 1],
    ],
    stateH: [[3], [3]],
  },
);
example("no steps from 0 are 0", mesanet, { q: [[5, 5]], ...plane }, { out: [[0]] }, { solver: "cg", iters: 0 });
example(
  "no steps from the diagonal: (6/2, 6/3) reads 15",
  mesanet,
  { q: [[6, 6]], ...plane },
  { out: [[15]] },
  { solver: "cg", iters: 0, start: "diag" },
);
example(
  "one step along (1, 0), of 1 / (2 + 10⁻⁵)",
  mesanet,
  { q: [[1, 0]], ...plane },
  { out: [[3 / 2.00001]] },
  { solver: "cg", iters: 1 },
);
example(
  "one step from the diagonal: (3, 2) leaves (−2, −3), which M takes to (−7, −11)",
  mesanet,
  { q: [[6, 6]], ...plane },
  { out: [[15 - (15 * 13) / 47.00001]] },
  { solver: "cg", iters: 1, start: "diag" },
);
example(
  "the matrix (2 1; 0 3) of a state that is not symmetric, taken as it is: (3, 2) leaves (−2, 0), which it takes to (−4, 0)",
  mesanet,
  {
    q: [[6, 6]],
    ...plane,
    beta: [0],
    stateG: [
      [1, 1],
      [0, 1],
    ],
    stateH: [[1], [0]],
  },
  { out: [[3 - 8 / 8.00001]] },
  { solver: "cg", iters: 1, start: "diag" },
);
const first = 1 / 2.00001;
const rest = [1 - 2 * first, -first] as const;
const length = rest[0] ** 2 + rest[1] ** 2;
const turn = length / 1.00001;
const p = [rest[0] + turn, rest[1]] as const;
const second = length / (2 * p[0] ** 2 + 2 * p[0] * p[1] + 3 * p[1] ** 2 + 1e-5);
example(
  "the second step is along what is left, turned by |r'|² / (|r|² + 10⁻⁵)",
  mesanet,
  { q: [[1, 0]], ...plane },
  { out: [[3 * (first + second * (p[0] + p[1]))]] },
  { solver: "cg", iters: 2 },
);

law(
  "the system it solves is the one it states, for every token",
  cases(mesanet, { options: { solver: "exact" } }),
  ({ x, n, o }) => {
    const solve = tensor([n.T, n.D], (t, i) => {
      const upTo = (part: typeof x.q) => pick(part, 0, t + 1, (s) => s);
      const one = tensor([n.D, n.D], (a, b) => Number(a === b));
      const shown = mesanet(
        {
          ...x,
          q: upTo(x.q),
          k: upTo(x.k),
          g: edit(upTo(x.g), () => 0),
          beta: edit(upTo(x.beta), () => 0),
          v: tensor([t + 1, n.D], () => 0),
          stateG: mesanet({ ...x, q: upTo(x.q), k: upTo(x.k), v: upTo(x.v), g: upTo(x.g), beta: upTo(x.beta) }, o)
            .stateG,
          stateH: one,
        },
        o,
      ).out;
      return at(shown, t, i);
    });
    const G = (t: number) => {
      const upTo = (part: typeof x.q) => pick(part, 0, t + 1, (s) => s);
      return mesanet({ ...x, q: upTo(x.q), k: upTo(x.k), v: upTo(x.v), g: upTo(x.g), beta: upTo(x.beta) }, o).stateG;
    };
    same(
      tensor([n.T, n.D], (t, i) => {
        let total = at(x.lambda, i) * at(solve, t, i);
        for (let j = 0; j < n.D; j++) total += at(G(t), i, j) * at(solve, t, j);
        return total;
      }),
      x.q,
    );
  },
);
law("the states are gated linear attention's, and large λ leaves it alone", cases(mesanet), ({ x, n, o }) => {
  const g = tensor([n.T, n.D], (t) => at(x.g, t));
  const v = edit(x.v, (value, t) => value * at(x.beta, t));
  const k = edit(x.k, (value, t) => value * at(x.beta, t));
  const { out, state } = gatedLinearAttention(
    { q: x.q, k: x.k, v, g, ...(x.stateH && { state: x.stateH }) },
    { scale: 1 },
  );
  const large = 2 ** 60;
  const actual = mesanet({ ...x, lambda: edit(x.lambda, () => large) }, { ...o, solver: "exact" });
  same(actual.stateH, state);
  same(
    actual.stateG,
    gatedLinearAttention({ q: x.q, k: x.k, v: k, g, ...(x.stateG && { state: x.stateG }) }, { scale: 1 }).state,
  );
  same(
    edit(actual.out, (y) => y * large),
    out,
  );
});
law(
  "with as many orthonormal keys as features and hardly a λ a key finds its value",
  cases(mesanet, { sizes: { T: 4, D: 4 }, options: { solver: "exact" }, given: { stateG: false, stateH: false } }),
  ({ x, n, o }) => {
    const k = tensor([n.T, n.D], (t, d) => Number(t === d));
    const { out } = mesanet(
      {
        ...x,
        k,
        q: edit(k, (_, __, d) => Number(d === 0)),
        g: edit(x.g, () => 0),
        beta: edit(x.beta, () => 1),
        lambda: edit(x.lambda, () => 2 ** -60),
      },
      o,
    );
    same(
      pick(out, 0, 1, () => 3),
      pick(x.v, 0, 1, () => 0),
    );
  },
);
law(
  // The ε in the denominators keeps conjugate gradients from the exact answer; four digits are what they have.
  "conjugate gradients come near the exact answer, from either start",
  cases(mesanet, { given: { stateG: false } }),
  ({ x, o }) => {
    const exact = mesanet(x, { ...o, solver: "exact" }).out;
    for (const start of ["zero", "diag"] as const)
      same(mesanet(x, { solver: "cg", iters: 30, start }).out, exact, 1e-3);
  },
);
law("cg stands for 30 steps from 0", cases(mesanet), ({ x }) =>
  same(mesanet(x, { solver: "cg" }).out, mesanet(x, { solver: "cg", iters: 30, start: "zero" }).out),
);
