import { clamp, mechanism, numbers, range, softmax, sum, table, weigh } from "../page.ts";

/** Consecutive rows or columns: `size` of them from `first` on. */
interface Span {
  readonly first: number;
  readonly size: number;
}
type Box = readonly [rows: Span, columns: Span];
type Image = (y: number, x: number, c: number) => number;

const span = (first: number, end: number): Span => ({ first, size: end - first });
const has = ({ first, size }: Span, i: number): boolean => first <= i && i < first + size;
const middle = (size: number, side: number): number[] => {
  const first = Math.floor((size - side) / 2);
  return [first, first + side];
};
const half = (n: { Y: number; X: number }): number => Math.ceil(Math.min(n.Y, n.X) / 2);
const isSpan = (ends: readonly number[], size: number): boolean =>
  ends.length === 2 && Math.min(...ends) >= 0 && Math.min(...ends) < Math.max(...ends) && Math.max(...ends) <= size;

/** How much of each pixel of `from` a pixel of `to` shows when `from` is resized to it: of two neighbours at most. */
const shares = (from: Span, to: Span) =>
  table([to.size], (i) => {
    const place = from.first + clamp(((i + 0.5) * from.size) / to.size - 0.5, 0, from.size - 1);
    return weigh(range(from.first, from.first + from.size), (j) => Math.max(0, 1 - Math.abs(place - j)));
  });
/** What `image` shows in the box `from`, resized to the box `to`. */
const resize = (image: Image, from: Box, to: Box): Image => {
  const [rows, columns] = [shares(from[0], to[0]), shares(from[1], to[1])];
  return (y, x, c) =>
    sum(rows(y - to[0].first), (i, a) => sum(columns(x - to[1].first), (j, b) => a * b * image(i, j, c)));
};

/**
 * Reposition attention: a subject of the image being generated looks at the same subject of a reference image as if both
 * stood at one place in one size, so that neither their places nor their sizes keep them apart. He et al. 2024
 * (IR-Diffusion), arXiv:2411.19261.
 *
 * $$ \hat t = \mathcal{S}_{B_t \to G}\, t + \pi|_G, \quad \hat r = \mathcal{S}_{B_r \to G}\, r + \pi|_G, \quad
 *    \hat o = \mathcal{S}_{G \to B_t} \operatorname{Att}(\hat t, \hat r), \quad o = \operatorname{Att}(t + \pi, r + \pi) $$
 * $$ y_p = \bigl(m_p\, \hat o_p + (1 - m_p)\, o_p\bigr) W^O \ (p \in B_t), \quad y_p = o_p W^O \ (p \notin B_t), \quad
 *    \operatorname{Att}(a, b)_p = \sum_j \operatorname{softmax}_j\Bigl(\frac{a_p W^Q \cdot b_j W^K}{\sqrt D}\Bigr)\, b_j W^V $$
 *
 * $\mathcal{S}$ cuts out a box and resizes it bilinearly to the size of another, pixels being areas (no `align_corners`, no
 * smoothing when it shrinks). Keys are the tokens of the reference, all of them for $o$, those moved to $G$ for $\hat o$.
 * $\pi$ is what a place adds to a token that stands there (none unless given); only through it does it matter where $G$ is,
 * otherwise just its size does. Boxes are given by first and past-the-last row and column; $G$ is by default a square of
 * half the shorter side (rounded up), in the middle (rounded up and left). $m$ beyond $B_t$ is not read. The abstract says no
 * more than that both subjects are scaled and moved to one position; the rest is reconstruction.
 * Cost: $O(((Y X)^2 + G^2)(D + E))$, with $G$ tokens in $G$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or a box is empty or leaves the image.
 */
export const repositionAttention = mechanism({
  id: "positional/reposition-attention",
  name: "Reposition attention",
  paper: "He et al., 2024, arXiv:2411.19261",
  ours: "Only the abstract could be read, which says that both subjects are scaled and moved to one position: the boxes, the bilinear resizing, the common box and its default, the keys, the term of places and the blend with ordinary target-to-reference attention are ours.",
  inputs: {
    target: "Y X M",
    reference: "Y X M",
    rowsT: "2",
    columnsT: "2",
    rowsR: "2",
    columnsR: "2",
    m: "Y X",
    place: "Y X M = 0",
    wQ: "M D",
    wK: "M D",
    wV: "M E",
    wO: "E Mo = identity",
  },
  outputs: { out: "Y X Mo" },
  options: {
    rowsG: numbers(
      (n: { Y: number; X: number }) => middle(n.Y, half(n)),
      "first and past-the-last row of the common box G",
      {
        whole: true,
        tried: [
          [0, 1],
          [0, 2],
          [1, 3],
        ],
      },
    ),
    columnsG: numbers((n: { Y: number; X: number }) => middle(n.X, half(n)), "first and past-the-last column of G", {
      whole: true,
      tried: [
        [0, 1],
        [1, 3],
      ],
    }),
  },
  tried: { Y: [1, 2, 3], X: [2, 3, 4], M: [1, 2, 3], D: [1, 2, 3], E: [1, 2, 3] },
  requires: {
    "rowsG must be two rows of the image, one before the other": (n, o) => isSpan(o.rowsG, n.Y),
    "columnsG must be two columns of the image, one before the other": (n, o) => isSpan(o.columnsG, n.X),
  },
  domain: {
    rowsT: { integers: [0, (n: { Y: number }) => n.Y], order: "ascending" },
    columnsT: { integers: [0, (n: { X: number }) => n.X], order: "ascending" },
    rowsR: { integers: [0, (n: { Y: number }) => n.Y], order: "ascending" },
    columnsR: { integers: [0, (n: { X: number }) => n.X], order: "ascending" },
    m: { within: [0, 1] },
  },
  properties: [{ linear: "wO" }],
  run({ target, reference, rowsT, columnsT, rowsR, columnsR, m, place, wQ, wK, wV, wO }, n, { rowsG, columnsG }) {
    const { Y, X, M, D, E } = n;
    const whole: Box = [span(0, Y), span(0, X)];
    const boxT: Box = [span(rowsT(0), rowsT(1)), span(columnsT(0), columnsT(1))];
    const boxR: Box = [span(rowsR(0), rowsR(1)), span(columnsR(0), columnsR(1))];
    const boxG: Box = [
      span(Math.min(...rowsG), Math.max(...rowsG)),
      span(Math.min(...columnsG), Math.max(...columnsG)),
    ];

    const attend = (a: Image, b: Image, [rows, columns]: Box): Image => {
      const places = rows.size * columns.size;
      const project = (image: Image, w: typeof wQ, width: number) => {
        const tokens = table([places, M], (p, c) => {
          const [y, x] = [rows.first + Math.floor(p / columns.size), columns.first + (p % columns.size)];
          return image(y, x, c) + place(y, x, c);
        });
        return table([places, width], (p, d) => sum(M, (c) => tokens(p, c) * w(c, d)));
      };
      const [q, k, v] = [project(a, wQ, D), project(b, wK, D), project(b, wV, E)];
      const weights = table([places], (p) => softmax(places, (j) => sum(D, (d) => q(p, d) * k(j, d)) / Math.sqrt(D)));
      const o = table([places, E], (p, e) => sum(weights(p), (j, w) => w * v(j, e)));
      return (y, x, e) => o((y - rows.first) * columns.size + x - columns.first, e);
    };

    const ordinary = attend(target, reference, whole);
    const common = attend(resize(target, boxT, boxG), resize(reference, boxR, boxG), boxG);
    const back = resize(common, boxG, boxT);
    const o = table([Y, X, E], (y, x, e) =>
      has(boxT[0], y) && has(boxT[1], x)
        ? m(y, x) * back(y, x, e) + (1 - m(y, x)) * ordinary(y, x, e)
        : ordinary(y, x, e),
    );
    return { out: (y, x, c) => sum(E, (e) => o(y, x, e) * wO(e, c)) };
  },
});
