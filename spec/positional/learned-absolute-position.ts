import { choice, integer, mechanism, range, sum } from "../page.ts";

/**
 * Learned absolute position embedding: a token gets the row of a learned table that belongs to its position.
 * Gehring et al. 2017, arXiv:1705.03122; BERT, GPT-2, OPT and RoBERTa differ in how they count.
 *
 * $$ y_t = x_t + E_{p_t + c}, \quad p_t = t \quad\text{or, by `roberta`,}\quad
 *    p_t = \begin{cases} \pi & i_t = \pi \\ \pi + |\{u \le t : i_u \ne \pi\}| & \text{else} \end{cases} $$
 *
 * $c$ is `offset` (OPT has 2, and a table that much longer). `positions` gives other $p_t$. With scheme `roberta` padding, the
 * tokens whose id is $\pi$, keeps position $\pi$ and is not counted; without `inputIds` no token is padding. A position past
 * the table is refused, or with overflow `clip` reads the last row. Cost: $O(T D)$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, a position has no row, or positions, ids
 * and scheme do not go together.
 */
export const learnedAbsolutePosition = mechanism({
  id: "positional/learned-absolute-position",
  name: "Learned absolute position embedding",
  paper: "Gehring et al., 2017, arXiv:1705.03122",
  code: "huggingface/transformers src/transformers/models/opt/modeling_opt.py:OPTLearnedPositionalEmbedding",
  inputs: { x: "T D", table: "P D", positions: "T = none", inputIds: "T = none" },
  outputs: { out: "T D", positions: "T" },
  options: {
    offset: integer(0, "c, how many rows of the table come before position 0", { min: 0, tried: [2] }),
    overflow: choice(["error", "clip"], "what a position past the table does"),
    scheme: choice(["plain", "roberta"], "how positions are counted if they are not given"),
    paddingIdx: integer(1, "π, the token id of padding and its position; of scheme roberta", { min: 0, tried: [0, 2] }),
  },
  tried: { P: [3, 6, 9] },
  domain: {
    positions: {
      integers: [
        (_: unknown, o: { offset: number }) => -o.offset,
        (n: { P: number }, o: { offset: number; overflow: string }) =>
          o.overflow === "clip" ? Number.MAX_SAFE_INTEGER : n.P - 1 - o.offset,
      ],
    },
    inputIds: { integers: [0, Number.MAX_SAFE_INTEGER] },
  },
  requires: {
    "positions are for scheme plain, inputIds for scheme roberta": (_, o, given) =>
      !(o.scheme === "plain" ? given.inputIds : given.positions),
  },
  expects: {
    "the table must have a row for every position + offset, or overflow be clip": (x, n, o, given) =>
      o.overflow === "clip" || range(n.T).every((t) => place(t, x, o, given) + o.offset < n.P),
  },
  properties: [
    { linear: ["x", "table"], outputs: ["out"] },
    { causal: "T" },
    { independent: "T", when: (_, __, given) => given.positions === true },
  ],
  run(x, { P }, o, given) {
    const row = (t: number) => Math.min(place(t, x, o, given) + o.offset, P - 1);
    return { out: (t, d) => x.x(t, d) + x.table(row(t), d), positions: (t) => place(t, x, o, given) };
  },
});

type Numbers = (t: number) => number;

/** The position of token t. */
function place(
  t: number,
  { positions, inputIds }: { positions: Numbers; inputIds: Numbers },
  { scheme, paddingIdx }: { scheme: "plain" | "roberta"; paddingIdx: number },
  given: { positions: boolean; inputIds: boolean },
): number {
  if (given.positions) return positions(t);
  if (scheme === "plain") return t;
  const real = (u: number) => (given.inputIds && inputIds(u) === paddingIdx ? 0 : 1);
  return paddingIdx + real(t) * sum(t + 1, real);
}
