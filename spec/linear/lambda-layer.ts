import { integer, mechanism, range, real, softmax, sum, table } from "../page.ts";

/**
 * Lambda layer: the map around a place is summarised as a matrix, its *lambda*, which is then applied to the query of
 * the place; one part comes from the content and is the same everywhere, one from learned vectors of the offsets. Bello
 * 2021, arXiv:2102.08602.
 *
 * $$ \lambda^c = \sum_s \operatorname{softmax}_s(k_s)\, v_s^\top, \quad
 *    \lambda^p_t = \sum_{\delta} E_\delta\, v_{t + \delta}^\top + b\, \mathbf 1^\top, \quad
 *    y_{t,h} = (\lambda^c + \lambda^p_t)^\top q_{t,h} $$
 *
 * $q = \operatorname{BN}(x W^Q)$ has heads, $k = x W^K$ and $v = \operatorname{BN}(x W^V)$ are shared by them; the
 * heads follow one another in the channels of $y$. The softmax is over all places, for each feature of the key. $t$,
 * $s$ and $\delta$ are places and offsets of rows and columns; beyond the border values are zero. $E$ has its offset 0
 * in the middle: with `r` a window of $r \times r$ offsets, without it all of the map's, $2Y - 1$ by $2X - 1$. $b$ is
 * that of timm's convolution. BN is inference with stored statistics: the rows of `bnQ` and `bnV` are weight, bias,
 * mean and variance, ε is `eps`. The intra-depth of the paper is 1. There is no projection of the output. Cost:
 * $O(Y X D E (H + r^2))$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, a weight does not divide into heads,
 * `r` is even or a variance is negative.
 */
export const lambdaLayer = mechanism({
  id: "linear/lambda-layer",
  name: "Lambda layer (LambdaNetworks)",
  paper: "Bello, 2021, arXiv:2102.08602",
  code: "huggingface/pytorch-image-models timm/layers/lambda_layer.py:LambdaLayer",
  inputs: {
    x: "Y X C",
    wQ: "C (H D)",
    wK: "C D",
    wV: "C E",
    e: "Yr Xr D",
    b: "D = 0",
    bnQ: "4 (H D)",
    bnV: "4 E",
  },
  outputs: { out: "Y X (H E)" },
  options: {
    heads: integer(4, "H, the number of heads", { min: 1, tried: [1, 2] }),
    r: integer(Number.POSITIVE_INFINITY, "side of the window of offsets, odd; ∞ for the whole map", {
      min: 1,
      tried: [1, 3],
    }),
    eps: real(1e-5, "ε of the batch norms", { above: 0, tried: [0.5] }),
  },
  axes: {
    H: (_, o) => o.heads,
    Yr: (n, o) => (o.r === Number.POSITIVE_INFINITY ? 2 * n.Y - 1 : o.r),
    Xr: (n, o) => (o.r === Number.POSITIVE_INFINITY ? 2 * n.X - 1 : o.r),
  },
  tried: { Y: [1, 2, 3], X: [1, 2, 3], D: [1, 2, 3], E: [1, 2, 3] },
  requires: { "r must be odd": (_, o) => o.r === Number.POSITIVE_INFINITY || o.r % 2 === 1 },
  domain: { bnQ: { usual: [0.25, 3] }, bnV: { usual: [0.25, 3] } },
  expects: {
    "the last row of bnQ and bnV holds variances, which must not be negative": ({ bnQ, bnV }, { H, D, E }) =>
      range(H).every((h) => range(D).every((d) => bnQ(3, h, d) >= 0)) && range(E).every((j) => bnV(3, j) >= 0),
  },
  run({ x, wQ, wK, wV, e, b, bnQ, bnV }, { Y, X, C, H, D, E, Yr, Xr }, { eps }) {
    const places = range(Y).flatMap((y) => range(X).map((z) => [y, z] as const));
    const project = (y: number, z: number, w: (c: number) => number) => sum(C, (c) => x(y, z, c) * w(c));
    const batchNorm = (value: number, row: (i: number) => number) =>
      (row(0) * (value - row(2))) / Math.sqrt(row(3) + eps) + row(1);
    const q = table([Y, X, H, D], (y, z, h, d) =>
      batchNorm(
        project(y, z, (c) => wQ(c, h, d)),
        (i) => bnQ(i, h, d),
      ),
    );
    const k = table([Y, X, D], (y, z, d) => project(y, z, (c) => wK(c, d)));
    const v = table([Y, X, E], (y, z, j) =>
      batchNorm(
        project(y, z, (c) => wV(c, j)),
        (i) => bnV(i, j),
      ),
    );
    const weights = table([D], (d) => softmax(places, ([y, z]) => k(y, z, d)));
    const content = table([D, E], (d, j) => sum(weights(d), ([y, z], w) => w * v(y, z, j)));
    const offset = (from: number, to: number, length: number) => to - from + (length - 1) / 2;
    const near = table([Y, X], (y, z) =>
      places.filter(([i, j]) => range(Yr).includes(offset(y, i, Yr)) && range(Xr).includes(offset(z, j, Xr))),
    );
    const lambda = table(
      [Y, X, D, E],
      (y, z, d, j) =>
        content(d, j) + sum(near(y, z), ([yn, zn]) => e(offset(y, yn, Yr), offset(z, zn, Xr), d) * v(yn, zn, j)) + b(d),
    );
    return { out: (y, z, h, j) => sum(D, (d) => q(y, z, h, d) * lambda(y, z, d, j)) };
  },
});
