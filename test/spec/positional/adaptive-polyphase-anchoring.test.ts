import { scaledDotProductAttention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { adaptivePolyphaseAnchoring as anchor } from "../../../spec/positional/adaptive-polyphase-anchoring.ts";
import { at, cases, example, fail, law, reshape, same, specify, type Tensor, tensor, tensorOf } from "../../kit.ts";

specify(anchor);

example(
  "the strongest of four phases is row 1, column 0: everything moves one row up",
  anchor,
  {
    x: [
      [[1], [2]],
      [[-5], [3]],
    ],
  },
  {
    out: [
      [[-5], [3]],
      [[1], [2]],
    ],
    phase: [1, 0],
  },
);
example(
  "energies are sums over the whole phase: 3² + 3² of column 1 beats 4² of column 0",
  anchor,
  {
    x: [
      [[4], [3], [0], [3]],
      [[0], [0], [0], [0]],
    ],
  },
  {
    out: [
      [[3], [0], [3], [4]],
      [[0], [0], [0], [0]],
    ],
    phase: [0, 1],
  },
);
example(
  "by the sum of magnitudes 2 + 2 beats 3, by the squares it does not",
  anchor,
  {
    x: [
      [[3], [2], [0], [2]],
      [[0], [0], [0], [0]],
    ],
  },
  { phase: [0, 1] },
  { norm: 1 },
);
example(
  "of equal phases the first in reading order wins",
  anchor,
  {
    x: [
      [[0], [1]],
      [[1], [0]],
    ],
  },
  {
    out: [
      [[1], [0]],
      [[0], [1]],
    ],
    phase: [0, 1],
  },
);
example(
  "another map moves by the phase of the first, and back",
  anchor,
  {
    x: [
      [[0], [0]],
      [[0], [1]],
    ],
    moved: [
      [
        [1, 5],
        [2, 6],
      ],
      [
        [3, 7],
        [4, 8],
      ],
    ],
  },
  {
    out: [
      [
        [4, 8],
        [3, 7],
      ],
      [
        [2, 6],
        [1, 5],
      ],
    ],
    phase: [1, 1],
  },
  { rollBack: true },
);
example(
  "stride 3, phase (2, 1): rolled back, row 0 comes from row 1 and column 0 from column 2",
  anchor,
  {
    x: [
      [[0], [0], [0]],
      [[0], [0], [0]],
      [[0], [1], [0]],
    ],
    moved: [
      [[1], [2], [3]],
      [[4], [5], [6]],
      [[7], [8], [9]],
    ],
  },
  {
    out: [
      [[6], [4], [5]],
      [[9], [7], [8]],
      [[3], [1], [2]],
    ],
    phase: [2, 1],
  },
  { stride: 3, rollBack: true },
);

const roll = (t: Tensor, down: number, right: number) => {
  const [Y = 0, X = 0, C = 0] = t.shape;
  return tensor([Y, X, C], (i, j, c) => at(t, (i + down) % Y, (j + right) % X, c));
};
const own = cases(anchor, { given: { moved: false }, options: { rollBack: false } }, { values: "normal" });

law("of a shifted map it is that of the map, shifted by whole strides", own, ({ x: { x }, n, o }) => {
  const [first, second] = [anchor({ x }, o), anchor({ x: roll(x, 1, 2 * n.X - 1) }, o)];
  const left = [0, 1].map((axis) => at(second.phase, axis) + [1, 2 * n.X - 1][axis]! - at(first.phase, axis));
  if (left.some((steps) => steps % o.stride !== 0)) fail(`moved by ${left.join(" and ")} at stride ${o.stride}`);
  same(second.out, roll(first.out, left[0]! + n.Y, left[1]! + n.X));
});
law("anchored again it stays, and rolled back it is the map", own, ({ x: { x }, o }) => {
  const { out } = anchor({ x }, o);
  const again = anchor({ x: out }, o);
  same(again.out, out);
  same(again.phase, tensorOf([0, 0]));
  same(anchor({ x, moved: out }, { ...o, rollBack: true }).out, x);
});
law("with stride 1 nothing moves", cases(anchor, { options: { stride: 1 } }), ({ x, o }) =>
  same(anchor(x, o).out, x.moved ?? x.x),
);
law("attention in windows of the anchored map, rolled back, commutes with shifts", own, ({ x: { x }, n, o }) => {
  const s = o.stride;
  const windows = (map: Tensor) => {
    const { out } = anchor({ x: map }, o);
    const across = n.X / s;
    const tokens = tensor([(n.Y / s) * across, s * s, n.C], (w, t, c) =>
      at(out, Math.floor(w / across) * s + Math.floor(t / s), (w % across) * s + (t % s), c),
    );
    const mixed = scaledDotProductAttention({ q: tokens, k: tokens, v: tokens }).out;
    const placed = tensor([n.Y, n.X, n.C], (i, j, c) =>
      at(mixed, Math.floor(i / s) * across + Math.floor(j / s), (i % s) * s + (j % s), c),
    );
    return anchor({ x: map, moved: placed }, { ...o, rollBack: true }).out;
  };
  same(windows(roll(x, 1, 1)), roll(windows(x), 1, 1));
});
law("channels are alike to it", own, ({ x: { x }, n, o }) => {
  const row = reshape(x, n.Y, n.X * n.C);
  const twice = tensor([n.Y, n.X, 2 * n.C], (i, j, c) => at(row, i, j * n.C + (c % n.C)));
  same(anchor({ x: twice }, o).phase, anchor({ x }, o).phase);
});
