import { mechanism, numbers, range, relu, sigmoid, softmax, sum, table } from "../page.ts";

/**
 * Scaled cosine attention with a continuous position bias (Swin Transformer V2), inside one window of $Y \times X$
 * tokens: scores are cosines times a learned factor, and a small network turns the logarithm of a pair's distance into
 * a bias, so that another window size can be used after training. Liu et al. 2021, arXiv:2111.09883.
 *
 * $$ o_{h,i} = \sum_{j \in S_i} \operatorname{softmax}_{j \in S_i}\Bigl(e^{\min(\ell_h, \ln 100)}\, \frac{q_{h,i}}{|q_{h,i}|} \cdot \frac{k_{h,j}}{|k_{h,j}|}
 *    + 16 \operatorname{sigmoid}\bigl(b_h(y_i - y_j,\, x_i - x_j)\bigr)\Bigr)\, v_{h,j} $$
 * $$ b(\Delta y, \Delta x) = \operatorname{relu}\bigl((\hat\Delta y, \hat\Delta x)\, W^1 + b^1\bigr)\, W^2, \quad
 *    \hat\Delta = \operatorname{sign}(\Delta)\, \frac{\log_2\bigl(1 + 8 |\Delta| / (n - 1)\bigr)}{\log_2 8} $$
 *
 * $n$ is the length of the window along that axis, or of the `pretrainedWindow`, the one trained with. An axis of
 * length 1 has the difference 0 alone, whose coordinate is 0; there Microsoft's code divides 0 by 0, and Hugging
 * Face's, looking at the height only, leaves both axes undivided if it is 1. Lengths of vectors are at least
 * $10^{-12}$. `mask` (true: may attend) keeps the regions of a shifted window apart; official code adds −100 there, or
 * twice that, and does not quite hide them. A query that sees no key gets zeros. The layer's key projection has no
 * bias. Cost: $O((YX)^2 H (D + E))$.
 * Throws {@link PageError}, naming the argument, if the tokens do not fill the window, two axes of one letter differ,
 * or a `pretrainedWindow` has a side below 2 where the window has not.
 */
export const cosineAttentionSwinv2 = mechanism({
  id: "score/cosine-attention-swinv2",
  name: "Scaled cosine attention with a continuous position bias",
  paper: "Liu et al., 2021, arXiv:2111.09883",
  code: "microsoft/Swin-Transformer models/swin_transformer_v2.py:WindowAttention",
  inputs: {
    q: "H (Y X) D",
    k: "H (Y X) D",
    v: "H (Y X) E",
    mask: "(Y X) (Y X) = 1",
    logitScale: "H",
    w1: "2 A",
    b1: "A",
    w2: "A H",
  },
  outputs: { out: "H (Y X) E" },
  options: {
    window: numbers([1, 1], "Y and X, the height and width of the window", {
      whole: true,
      tried: [
        [1, 3],
        [2, 1],
        [2, 2],
        [2, 3],
      ],
    }),
    pretrainedWindow: numbers(
      (n: { Y: number; X: number }) => [n.Y, n.X],
      "the height and width of the window trained with",
      {
        whole: true,
        tried: [
          [4, 3],
          [1, 4],
          [4, 1],
        ],
      },
    ),
  },
  axes: { Y: (_, o) => Number(o.window[0]), X: (_, o) => Number(o.window[1]) },
  requires: {
    "window must be a height and a width": (_, o) => o.window.length === 2,
    "pretrainedWindow must be a height and a width, each at least 2 where the window's is": (n, o) =>
      o.pretrainedWindow.length === 2 &&
      (n.Y === 1 || Number(o.pretrainedWindow[0]) > 1) &&
      (n.X === 1 || Number(o.pretrainedWindow[1]) > 1),
  },
  domain: { mask: "boolean", logitScale: { usual: [0, 6] } },
  properties: [
    { linear: "v" },
    { averages: "v", along: "Y and X" },
    { scaleFree: "q" },
    { scaleFree: "k" },
    { equivariant: "H" },
    { equivariant: "A" },
  ],
  run({ q, k, v, mask, logitScale, w1, b1, w2 }, { H, Y, X, D, A }, { pretrainedWindow: [wasY = Y, wasX = X] }) {
    const length = (vector: (d: number) => number) => Math.max(Math.sqrt(sum(D, (d) => vector(d) ** 2)), 1e-12);
    const lengths = (z: typeof q) => table([H, Y, X], (h, y, x) => length((d) => z(h, y, x, d)));
    const [lengthOfQ, lengthOfK] = [lengths(q), lengths(k)];
    const tau = (h: number) => Math.exp(Math.min(logitScale(h), Math.log(100)));

    const spaced = (difference: number, was: number) =>
      difference === 0 ? 0 : (Math.sign(difference) * Math.log2(1 + (8 * Math.abs(difference)) / (was - 1))) / 3;
    const hidden = (dy: number, dx: number, a: number) =>
      relu(spaced(dy, wasY) * w1(0, a) + spaced(dx, wasX) * w1(1, a) + b1(a));
    const bias = (h: number, dy: number, dx: number) => 16 * sigmoid(sum(A, (a) => hidden(dy, dx, a) * w2(a, h)));

    const tokens = range(Y).flatMap((y) => range(X).map((x) => ({ y, x })));
    const weights = table([H, Y, X], (h, y, x) =>
      softmax(
        tokens.filter((s) => mask(y, x, s.y, s.x)),
        (s) =>
          (tau(h) * sum(D, (d) => q(h, y, x, d) * k(h, s.y, s.x, d))) / (lengthOfQ(h, y, x) * lengthOfK(h, s.y, s.x)) +
          bias(h, y - s.y, x - s.x),
      ),
    );
    return { out: (h, y, x, e) => sum(weights(h, y, x), (s, w) => w * v(h, s.y, s.x, e)) };
  },
});
