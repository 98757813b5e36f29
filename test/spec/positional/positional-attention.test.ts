import { scaledDotProductAttention as attention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { positionalAttention as positional } from "../../../spec/positional/positional-attention.ts";
import { at, cases, edit, example, fail, law, pick, same, specify, tensor } from "../../kit.ts";

specify(positional);

const ln3 = Math.log(3);
const one = {
  x: [[8], [0]],
  pos: [
    [1, 0, 0, 0],
    [0, 1, 0, 0],
  ],
  wQk: [
    [1, 1, 1, 1, 2 * ln3, 0, 0, 0],
    [1, 1, 1, 1, 0, 0, 0, 0],
    [0, 0, 0, 0, 0, 0, 0, 0],
    [0, 0, 0, 0, 0, 0, 0, 0],
  ],
  wV: [[1]],
  wO: [[1]],
};
example("queries from the first half, keys from the second: scores 2 ln 3 over √4 and 0", positional, one, {
  out: [[6], [6]],
});
example("causal, the first token sees itself alone", positional, one, { out: [[8], [6]] }, { causal: true });
example(
  "a query that sees nothing gets the bias of the output",
  positional,
  {
    ...one,
    bV: [4],
    bO: [1],
    mask: [
      [0, 0],
      [0, 1],
    ],
  },
  { out: [[1], [5]] },
);
example(
  "the layer puts x and y side by side: relu(8 − 6 + 1) and relu(0 − 6 + 1), times 2, plus 3",
  positional,
  { ...one, w1: [[1], [-1]], b1: [1], w2: [[2]], b2: [3] },
  { out: [[9], [3]] },
  { layer: true },
);
example(
  "two heads, each with queries and keys as wide as the encoding",
  positional,
  {
    x: [
      [8, 4],
      [0, 0],
    ],
    pos: [[1], [1]],
    wQk: [[1, 0, 0, 1]],
    bQk: [0, 0, 0, 0],
    wV: [
      [1, 0],
      [0, 1],
    ],
    wO: [
      [1, 0],
      [0, 1],
    ],
  },
  {
    out: [
      [4, 2],
      [4, 2],
    ],
  },
  { heads: 2 },
);

law(
  "one head is attention from projected positions to projected data",
  cases(positional, { options: { heads: 1, layer: false } }),
  ({ x, n, o }) => {
    const line = (size: number, f: (i: number) => number) =>
      Array.from({ length: size }, (_, i) => f(i)).reduce((a, b) => a + b, 0);
    const side = (from: number) =>
      tensor(
        [n.T, n.D],
        (t, d) => line(n.D, (c) => at(x.pos, t, c) * at(x.wQk, c, from + d)) + (x.bQk ? at(x.bQk, from + d) : 0),
      );
    const v = tensor([n.T, n.E], (t, e) => line(n.M, (m) => at(x.x, t, m) * at(x.wV, m, e)) + (x.bV ? at(x.bV, e) : 0));
    const given = x.mask ? { mask: x.mask } : {};
    const y = attention({ q: side(0), k: side(n.D), v, ...given }, { causal: o.causal }).out;
    same(
      positional(x, o).out,
      tensor([n.T, n.M], (t, m) => line(n.E, (e) => at(y, t, e) * at(x.wO, e, m)) + (x.bO ? at(x.bO, m) : 0)),
    );
  },
);
law("heads add up", cases(positional, { options: { heads: 2, layer: false } }), ({ x, n, o }) => {
  const head = (h: number) => {
    const columns = (t: typeof x.wQk, width: number) => pick(t, t.shape.length - 1, width, (i) => h * width + i);
    return positional(
      {
        ...x,
        wQk: columns(x.wQk, 2 * n.D),
        wV: columns(x.wV, n.E),
        wO: pick(x.wO, 0, n.E, (e) => h * n.E + e),
        ...(x.bQk && { bQk: columns(x.bQk, 2 * n.D) }),
        ...(x.bV && { bV: columns(x.bV, n.E) }),
        ...(x.bO && { bO: edit(x.bO, (b) => (h ? 0 : b)) }),
      },
      { ...o, heads: 1 },
    ).out;
  };
  const second = head(1);
  same(
    positional(x, o).out,
    edit(head(0), (v, t, m) => v + at(second, t, m)),
  );
});
law("the layer is an MLP of x beside the attention", cases(positional, { options: { layer: true } }), ({ x, n, o }) => {
  const { w1, w2, b1, b2, ...rest } = x;
  const y = positional(rest, { ...o, layer: false }).out;
  const hidden = tensor([n.T, n.F], (t, f) =>
    Math.max(
      Array.from({ length: n.M }, (_, m) => at(x.x, t, m) * at(w1, m, f) + at(y, t, m) * at(w1, n.M + m, f)).reduce(
        (a, b) => a + b,
        b1 ? at(b1, f) : 0,
      ),
      0,
    ),
  );
  same(
    positional(x, o).out,
    tensor([n.T, n.M], (t, m) =>
      Array.from({ length: n.F }, (_, f) => at(hidden, t, f) * at(w2, f, m)).reduce(
        (a, b) => a + b,
        b2 ? at(b2, m) : 0,
      ),
    ),
  );
});

const refused = (call: () => unknown): boolean => {
  try {
    call();
  } catch {
    return true;
  }
  return false;
};
law("without the layer its weights are refused", cases(positional, { options: { layer: false } }), ({ x, n, o }) => {
  const ones = (...shape: number[]) => tensor(shape, () => 1);
  for (const weight of [{ w1: ones(2 * n.M, 1) }, { b1: ones(1) }, { w2: ones(1, n.M) }, { b2: ones(n.M) }])
    if (!refused(() => positional({ ...x, ...weight }, o))) fail(`${Object.keys(weight)[0]} was taken`);
});
