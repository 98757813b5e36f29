import {
  choice,
  integer,
  mechanism,
  product,
  range,
  real,
  scan,
  softmax,
  sum,
  table,
  type Vector,
  type Weights,
  weigh,
} from "../page.ts";

/**
 * Semantic decoder of the Tensor Brain: a representation layer, the blackboard, makes concepts of an index layer active
 * by its products with their embeddings, and the embeddings of the active ones are written back to it, one concept
 * after the other: subject, predicate, object. Tresp et al. 2020, arXiv:2001.11027.
 *
 * $$ P_\ell(c) = \operatorname{softmax}_c(\beta\, a_c \cdot h_\ell), \quad
 *    h_{\ell+1} = h_\ell + a_{c_\ell} \;\text{ or }\; h_\ell + \sum_c P_\ell(c)\, a_c, \quad
 *    \text{score} = \prod_\ell P_\ell(c_\ell) $$
 *
 * In mode `attention` all concepts answer by their probability, a step of attention with the embeddings as keys and
 * values. In mode `argmax` $c_\ell$ is the most probable concept, of equal ones the first, and in mode `sample` the
 * `index` given, drawn by the caller or taken from a statement to be scored; its score with three steps is that of a
 * triple, and over all triples the scores sum to 1. `h` comes in after the senses and comes out after the last step;
 * there is no map between the steps. Cost: $O(L C M)$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or `index` is missing in mode
 * `sample` or given in another.
 */
export const tensorBrainSemanticDecoder = mechanism({
  id: "memory/tensor-brain-semantic-decoder",
  name: "Semantic decoder of the Tensor Brain",
  paper: "Tresp et al., 2020, arXiv:2001.11027",
  ours: "embeddings are added to the blackboard as they are, without the layers the paper leaves open",
  inputs: { h: "M", a: "C M", index: "L = none" },
  outputs: { out: "L M", probabilities: "L C", h: "M", chosen: "L = none", score: " = none" },
  options: {
    mode: choice(
      ["attention", "argmax", "sample"],
      "what is written back: the mean, the likeliest concept, or a given one",
    ),
    steps: integer(3, "L, how many concepts are decoded", { min: 1, max: 20, tried: [1, 2] }),
    beta: real(1, "β, the factor on the products", { tried: [0.5, 2] }),
  },
  axes: { L: (_, o) => o.steps },
  domain: { index: { integers: [0, (n) => n.C - 1] } },
  requires: { "index is for mode sample, which needs it": (_, o, given) => given.index === (o.mode === "sample") },
  properties: [{ unordered: "C", outputs: ["out", "h"], when: (_, o) => o.mode === "attention" }],
  run({ h, a, index }, { L, M, C }, { mode, beta }) {
    const active = (state: Vector) => softmax(C, (c) => beta * sum(M, (m) => a(c, m) * state(m)));
    const likeliest = (P: Weights<number>) => range(C).reduce((top, c) => (P.of(c) > P.of(top) ? c : top), 0);
    const concept = (l: number, P: Weights<number>) => (mode === "sample" ? index(l) : likeliest(P));
    const state = scan(L, table([M], h), (before, l) => {
      const P = active(before);
      const answer = mode === "attention" ? P : weigh([concept(l, P)], () => 1);
      return table([M], (m) => before(m) + sum(answer, (c, p) => p * a(c, m)));
    });
    const P = table([L], (l) => active(state(l)));
    const chosen = table([L], (l) => concept(l, P(l)));
    return {
      out: (l, m) => state(l + 1)(m),
      probabilities: (l, c) => P(l).of(c),
      h: state(L),
      chosen: mode === "attention" ? undefined : chosen,
      score: mode === "attention" ? undefined : () => product(L, (l) => P(l).of(chosen(l))),
    };
  },
});
