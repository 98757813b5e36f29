import { crossAttention } from "../../../spec/core/cross-attention.ts";
import { lunaAttention as luna } from "../../../spec/low-rank/luna-attention.ts";
import { at, cases, edit, example, law, refuses, same, specify, tensor } from "../../kit.ts";

specify(luna);

const ln3 = Math.log(3);
const one = { x: [[1]], wPq: [[1]], wPk: [[1]], wQ: [[1]], wO: [[2]], bO: [1] };
example(
  "packed with weights ¾, ¼ and ½, ½ of 8 and 0; unpacked with ¾ of 6 and ¼ of 4",
  luna,
  { ...one, p: [[1], [0]], context: [[ln3], [0]], wPv: [[8 / ln3]], wK: [[ln3 / 2]], wV: [[1]] },
  { out: [[12]], packed: [[6], [4]] },
);
example(
  "values are the keys unless they have weights of their own",
  luna,
  { ...one, p: [[1], [0]], context: [[ln3], [0]], wK: [[4]] },
  { out: [[5.5 * ln3 + 1]], packed: [[0.75 * ln3], [0.5 * ln3]] },
);
example(
  "the context is the queries' own sequence unless given",
  luna,
  { ...one, x: [[4], [2]], p: [[0]], wK: [[1]] },
  { out: [[7], [7]], packed: [[3]] },
);
refuses("bPv needs wPv", luna, { ...one, p: [[1]], wK: [[1]], bPv: [1] });
refuses("bV needs wV", luna, { ...one, p: [[1]], wK: [[1]], bV: [1] });

const identity = (n: number) => tensor([n, n], (i, j) => Number(i === j));
law(
  "it is cross-attention of the extra sequence to the context, and of the queries to the result",
  cases(luna),
  ({ x, n, o }) => {
    const optional = <K extends string>(key: K, value: typeof x.x | undefined) => (value ? { [key]: value } : {});
    const packed = crossAttention(
      {
        x: x.p,
        context: x.context ?? x.x,
        wQ: x.wPq,
        wK: x.wPk,
        wV: x.wPv ?? x.wPk,
        wO: identity(n.Hp * n.Dp),
        ...optional("bQ", x.bPq),
        ...optional("bK", x.bPk),
        ...optional("bV", x.wPv ? x.bPv : x.bPk),
      },
      { heads: o.pheads },
    ).out;
    const out = crossAttention(
      {
        x: x.x,
        context: packed,
        wQ: x.wQ,
        wK: x.wK,
        wV: x.wV ?? x.wK,
        wO: x.wO,
        ...optional("bQ", x.bQ),
        ...optional("bK", x.bK),
        ...optional("bV", x.wV ? x.bV : x.bK),
        ...optional("bO", x.bO),
      },
      { heads: o.heads },
    ).out;
    same(luna(x, o).packed, packed);
    same(luna(x, o).out, out);
  },
  40,
);
law("with an extra sequence of one place every query gets the same", cases(luna, { sizes: { G: 1 } }), ({ x, o }) => {
  const { out } = luna(x, o);
  same(
    out,
    edit(out, (_, _t, m) => at(out, 0, m)),
  );
});
