import { choice, flag, integer, mean, mechanism, range, softmax, sum, table } from "../page.ts";

/**
 * The attention of bottleneck transformers (BoTNet): every place of a feature map attends to every other, and the
 * query also meets a learned vector of the row offset and one of the column offset. No output projection. Srinivas et
 * al. 2021, arXiv:2101.11605.
 *
 * $$ z_{h,t,s} = \sigma\, q_{t,h} \cdot k_{s,h} + \rho\, q_{t,h} \cdot \bigl(R^Y_{y_s - y_t + Y - 1} + R^X_{x_s - x_t + X - 1}\bigr), \quad
 *    \sigma = D^{-1/2}, \quad o_{t,h} = \sum_s \operatorname{softmax}_s(z_{h,t,s})\, v_{s,h} $$
 *
 * $\rho$ is 1 (timm), or with `scalePos` $\sigma$ (the authors' TensorFlow code, which scales the query before both
 * products). The tables are shared by the heads. With `positions` `absolute` the query meets $R^Y_{y_s} + R^X_{x_s}$
 * of tables with a row for each row and column of the map; that form is the paper's comparison and not in timm. With
 * `stride` 2 the result is averaged over 2 × 2 places; an odd last row or column is dropped. Cost: $O(Y^2X^2 H (D +
 * E))$ beside the projections.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, a weight does not divide into
 * heads, a table has the wrong length or the map is smaller than the stride.
 */
export const botnetRelativeAttention = mechanism({
  id: "positional/botnet-relative-attention",
  name: "Bottleneck transformer (BoTNet) attention with 2-D relative logits",
  paper: "Srinivas et al., 2021, arXiv:2101.11605",
  code: "huggingface/pytorch-image-models timm/layers/bottleneck_attn.py:BottleneckAttn",
  inputs: { x: "Y X C", wQ: "C (H D)", wK: "C (H D)", wV: "C (H E)", relH: "Yr D", relW: "Xr D" },
  outputs: { out: "Yo Xo (H E)" },
  options: {
    heads: integer(4, "H, the number of heads", { min: 1, tried: [1, 2] }),
    scalePos: flag(false, "scale the position part like the content part"),
    stride: integer(1, "2 averages the result over 2 × 2 places", { min: 1, max: 2 }),
    positions: choice(["relative", "absolute"], "whether tables hold offsets or places"),
  },
  axes: {
    H: (_, o) => o.heads,
    Yr: (n, o) => (o.positions === "relative" ? 2 * n.Y - 1 : n.Y),
    Xr: (n, o) => (o.positions === "relative" ? 2 * n.X - 1 : n.X),
    Yo: (n, o) => Math.floor(n.Y / o.stride),
    Xo: (n, o) => Math.floor(n.X / o.stride),
  },
  tried: { Y: [1, 2, 3], X: [1, 2, 3] },
  requires: { "Y and X must be at least stride": (n, o) => n.Y >= o.stride && n.X >= o.stride },
  properties: [{ linear: "wV" }],
  run({ x, wQ, wK, wV, relH, relW }, { Y, X, C, H, D, E }, { scalePos, stride, positions }) {
    const scale = 1 / Math.sqrt(D);
    const q = table([Y, X, H, D], (y, z, h, d) => sum(C, (c) => x(y, z, c) * wQ(c, h, d)));
    const k = table([Y, X, H, D], (y, z, h, d) => sum(C, (c) => x(y, z, c) * wK(c, h, d)));
    const v = table([Y, X, H, E], (y, z, h, e) => sum(C, (c) => x(y, z, c) * wV(c, h, e)));
    const places = range(Y).flatMap((y) => range(X).map((z) => [y, z] as const));
    const row = (from: number, to: number, n: number) => (positions === "relative" ? to - from + n - 1 : to);
    const weights = table([Y, X, H], (yt, xt, h) =>
      softmax(places, ([ys, xs]) => {
        const content = sum(D, (d) => q(yt, xt, h, d) * k(ys, xs, h, d));
        const place = sum(D, (d) => q(yt, xt, h, d) * (relH(row(yt, ys, Y), d) + relW(row(xt, xs, X), d)));
        return scale * content + (scalePos ? scale : 1) * place;
      }),
    );
    const o = table([Y, X, H, E], (y, z, h, e) => sum(weights(y, z, h), ([ys, xs], a) => a * v(ys, xs, h, e)));
    return {
      out: (y, z, h, e) => mean(stride, (i) => mean(stride, (j) => o(stride * y + i, stride * z + j, h, e))),
    };
  },
});
