import { groupedQueryAttention as gqa } from "../../../spec/heads/grouped-query-attention.ts";
import { nope } from "../../../spec/positional/nope.ts";
import { at, cases, edit, example, law, pick, same, span, specify, tensor } from "../../kit.ts";

specify(nope);

example(
  "scores 2 ln 3 over √4 and 0: weights ¾ and ¼; the first token sees itself alone",
  nope,
  {
    x: [
      [1, 0],
      [0, 1],
    ],
    wQ: [
      [1, 1, 1, 1],
      [1, 1, 1, 1],
    ],
    wK: [
      [Math.log(3), Math.log(3), 0, 0],
      [0, 0, 0, 0],
    ],
    wV: [[8], [0]],
    wO: [[1]],
  },
  { out: [[8], [6]] },
);
const two = {
  x: [
    [1, 0],
    [0, 1],
  ],
  wQ: [[0], [1]],
  wK: [[Math.log(3)], [0]],
  wV: [[10], [0]],
  wO: [[1]],
};
example(
  "temperature 1/ln 2: from token 8192 on queries are twice as large, ln 9 in place of ln 3",
  nope,
  two,
  { out: [[10], [9]] },
  { temperature: 1 / Math.LN2, offset: 8190 },
);
example("and not before", nope, two, { out: [[10], [7.5]] }, { temperature: 1 / Math.LN2, offset: 8189 });

law(
  "without temperature it is multi-head attention",
  cases(nope, { options: { temperature: null } }),
  ({ x, n, o: { heads, scale, causal } }) => {
    same(nope(x, { heads, scale, causal }).out, gqa(x, { heads, kvHeads: n.H, scale, causal }).out);
  },
);
law(
  "the temperature multiplies queries by 1 + a ln(1 + ⌊(p + 1) / L⌋)",
  cases(nope, { options: { heads: 1, causal: true, temperature: 1 } }),
  ({ x, n, o }) => {
    for (let t = 0; t < n.T; t++) {
      const growth = 1 + Math.log(1 + Math.floor((t + o.offset + 1) / o.floorScale));
      const grown = nope({ ...x, wQ: edit(x.wQ, (w) => growth * w) }, { ...o, temperature: 0 }).out;
      same(span(nope(x, o).out, 0, t, t + 1), span(grown, 0, t, t + 1));
    }
  },
);
law("the order of the tokens before the last is immaterial to it", cases(nope), ({ x, n, o }) => {
  const turned = pick(x.x, 0, n.T, (t) => (t === n.T - 1 ? t : n.T - 2 - t));
  same(span(nope({ ...x, x: turned }, o).out, 0, n.T - 1, n.T), span(nope(x, o).out, 0, n.T - 1, n.T));
});
law("a sequence of one token repeated gives the same everywhere", cases(nope), ({ x, n, o }) => {
  const out = nope({ ...x, x: pick(x.x, 0, n.T, () => 0) }, o).out;
  same(
    out,
    tensor(out.shape, (_, m) => at(out, 0, m)),
  );
});
