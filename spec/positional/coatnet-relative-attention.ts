import { choice, integer, mechanism, range, softmax, sum, table } from "../page.ts";

/**
 * The relative attention of CoAtNet: every place of a feature map attends to every other, and a learned number of the
 * head and the two-dimensional offset is added to the score, whatever the input. Dai et al. 2021, arXiv:2106.04803,
 * §2.1.
 *
 * $$ z_{h,t,s} = \frac{q_{t,h} \cdot k_{s,h}}{\sqrt D} + B_{h,\; y_t - y_s + Y - 1,\; x_t - x_s + X - 1}, \quad
 *    o_{t,h} = \sum_s \operatorname{softmax}_s(z_{h,t,s})\, v_{s,h}, \quad y_t = b^O + \sum_h o_{t,h} W^O_h $$
 *
 * With `convention` `key-query` (the TensorFlow code of CoAtNet and MaxViT) the offsets are $y_s - y_t$ and $x_s -
 * x_t$. The columns of `wQkv` are all queries, all keys, all values, and in each the heads one after the other. A
 * table learned for another map size is resized before; a block that halves the map pools its input before. Cost:
 * $O(Y^2X^2 H D)$ beside the projections.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, a weight does not divide into heads
 * or the table is not $2Y - 1$ by $2X - 1$.
 */
export const coatnetRelativeAttention = mechanism({
  id: "positional/coatnet-relative-attention",
  name: "CoAtNet relative attention",
  paper: "Dai et al., 2021, arXiv:2106.04803",
  code: "huggingface/pytorch-image-models timm/models/maxxvit.py:Attention2d; timm/layers/pos_embed_rel.py:RelPosBias, RelPosBiasTf",
  inputs: {
    x: "Y X C",
    wQkv: "C (3 H D)",
    bQkv: "(3 H D) = 0",
    table: "H Yr Xr",
    wO: "(H D) Co",
    bO: "Co = 0",
  },
  outputs: { out: "Y X Co" },
  options: {
    heads: integer(1, "H, the number of heads", { min: 1, tried: [1, 2] }),
    convention: choice(["query-key", "key-query"], "which place less which makes the offset"),
  },
  axes: { H: (_, o) => o.heads, Yr: (n) => 2 * n.Y - 1, Xr: (n) => 2 * n.X - 1 },
  tried: { Y: [1, 2, 3], X: [1, 2, 3] },
  properties: [{ linear: ["wO", "bO"] }],
  run({ x, wQkv, bQkv, table: bias, wO, bO }, { Y, X, C, H, D }, { convention }) {
    const part = (which: number) =>
      table([Y, X, H, D], (y, z, h, d) => sum(C, (c) => x(y, z, c) * wQkv(c, which, h, d)) + bQkv(which, h, d));
    const [q, k, v] = [part(0), part(1), part(2)];
    const places = range(Y).flatMap((y) => range(X).map((z) => [y, z] as const));
    const row = (t: number, s: number, n: number) => (convention === "query-key" ? t - s : s - t) + n - 1;
    const weights = table([Y, X, H], (yt, xt, h) =>
      softmax(
        places,
        ([ys, xs]) =>
          sum(D, (d) => q(yt, xt, h, d) * k(ys, xs, h, d)) / Math.sqrt(D) + bias(h, row(yt, ys, Y), row(xt, xs, X)),
      ),
    );
    const o = table([Y, X, H, D], (y, z, h, d) => sum(weights(y, z, h), ([ys, xs], a) => a * v(ys, xs, h, d)));
    return { out: (y, z, m) => bO(m) + sum(H, (h) => sum(D, (d) => o(y, z, h, d) * wO(h, d, m))) };
  },
});
