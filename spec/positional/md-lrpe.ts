import { choice, integer, mechanism, numbers, product, real, rotate, table } from "../page.ts";

/**
 * Multi-dimensional linearised relative position encoding (MD-LRPE) of LightNet: the features are dealt out to the axes of a
 * grid, and each share is turned by the coordinate on its axis, so that products depend on the displacement along every axis.
 * Applied to queries and keys after their activation. Qin et al. 2024, arXiv:2405.21022; LRPE itself arXiv:2307.09270.
 *
 * $$ \alpha_{t,i} = c_a(t)\,\theta_{i - aI}, \quad a = \lfloor i / I \rfloor, \quad I = \lceil n / A \rceil, \quad
 *    \theta_i = b^{-2i/D} \text{ or } b^{-2(hn + i)/(HD)} $$
 * $$ \text{rotate } (n = D/2): \quad (x_{2i}, x_{2i+1}) \text{ turned by } \alpha_{t,i}; \qquad
 *    \text{cosine } (n = D): \quad [\,x_t \odot \cos\alpha_t \;;\; x_t \odot \sin\alpha_t\,] $$
 *
 * The coordinates $c_a(t)$ are those of token $t$ in the row-major `grid` of $A$ axes; `tokens` leading tokens stand outside it
 * with all coordinates 0. All axes share the same $I$ frequencies, the first of the head's $n$, or $\theta$ if given; where
 * $A$ does not divide $D$ the last axes of the cosine type get fewer features or none. All of this follows the official code;
 * the paper's body was not at hand. `layout` `half` pairs $i$ with $i + D/2$, for one axis only; `across-heads` lets the
 * exponent run on over the heads. `offset` tokens before the first, with one axis only, are for decoding. Cost: $O(H T D)$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or the grid does not hold the tokens.
 */
export const mdLrpe = mechanism({
  id: "positional/md-lrpe",
  name: "Multi-dimensional linearised relative position encoding (MD-LRPE)",
  paper: "Qin et al., 2024, arXiv:2405.21022",
  code: "Doraemonzzz/vector-quantize vector_quants/modules/pe/lrpe.py:MdLrpe; Doraemonzzz/xopes xopes/ops/lrpe/cosine/_md/lrpe_cosine_md_torch.py:lrpe_cosine_md_torch",
  inputs: { x: "H T D", theta: "H I = none" },
  outputs: { out: "H T (K D)" },
  options: {
    type: choice(["rotate", "cosine"], "turn pairs of features, or lay each on a cosine and a sine"),
    base: real(10000, "b, the base of the frequencies", { above: 0, tried: [100] }),
    layout: choice(["interleaved", "half"], "which features pair up, for type rotate"),
    frequencies: choice(["per-head", "across-heads"], "whether every head has the same frequencies or the next ones"),
    grid: numbers((n: { T: number }) => [n.T], "the length of every axis, the slowest first", {
      whole: true,
      tried: [
        [2, 2],
        [2, 3],
        [1, 2, 2],
      ],
    }),
    tokens: integer(0, "tokens before those of the grid, at the origin", { min: 0, tried: [1] }),
    offset: integer(0, "how many tokens came before the first, for one axis", { min: 0, tried: [3] }),
  },
  axes: {
    K: (_, o) => (o.type === "cosine" ? 2 : 1),
    I: (n, o) => Math.ceil((o.type === "cosine" ? n.D : n.D / 2) / o.grid.length),
  },
  tried: { T: [1, 4, 5, 6], D: [2, 3, 4, 6, 8] },
  requires: {
    "the lengths of grid must be at least 1 and multiply to T − tokens": (n, o) =>
      o.grid.every((length) => length >= 1) && product(o.grid, (length) => length) === n.T - o.tokens,
    "type rotate needs pairs of features, as many for every axis of grid: D a multiple of twice its length": (n, o) =>
      o.type === "cosine" || n.D % (2 * o.grid.length) === 0,
    "layout half needs type rotate and a grid of one axis": (_, o) =>
      o.layout === "interleaved" || (o.type === "rotate" && o.grid.length === 1),
    "offset needs a grid of one axis": (_, o) => o.offset === 0 || o.grid.length === 1,
  },
  properties: [{ linear: "x" }],
  run({ x, theta }, { H, T, D, I }, { type, base, layout, frequencies, grid, tokens, offset }, given) {
    const n = type === "cosine" ? D : D / 2;
    const places = (axis: number) => product(grid.slice(axis), (length) => length);
    const coordinate = (t: number, axis: number) => {
      const place = t - tokens + offset;
      return t < tokens ? 0 : Math.floor((axis ? place % places(axis) : place) / places(axis + 1));
    };
    const frequency = (h: number, i: number) => {
      if (given.theta) return theta(h, i);
      return base ** (frequencies === "across-heads" ? (-2 * (h * n + i)) / (H * D) : (-2 * i) / D);
    };
    const angle = table([H, T, n], (h, t, i) => coordinate(t, Math.floor(i / I)) * frequency(h, i % I));
    const wave = (sine: number, radians: number) => (sine ? Math.sin(radians) : Math.cos(radians));
    return {
      out: (h, t, part, d) =>
        type === "cosine"
          ? x(h, t, d) * wave(part, angle(h, t, d))
          : rotate(
              (c) => x(h, t, c),
              D,
              layout,
              (i) => angle(h, t, i),
            )(d),
    };
  },
});
