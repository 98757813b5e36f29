import { integer, mechanism, silu, sum, table } from "../page.ts";

/**
 * The temporal adapter of ExVideo: what stands before the temporal attention of a video model trained on short clips so
 * that it can be tuned to longer ones. A trainable table of frame positions goes through the block's two-layer
 * perceptron and is added to the features, and a 3D convolution that starts as the identity mixes neighbouring frames
 * and pixels. The temporal attention that follows keeps its form. Duan et al. 2024, arXiv:2406.14130; the formulas are
 * those of the code, which has left the repository since.
 *
 * $$ y_t = \sum_{i,j,k=-1}^{1} K_{i,j,k}\, (x + e)_{t+i} + b, \quad
 *    e_t = W_2^\top \operatorname{silu}(W_1^\top p_t + b_1) + b_2 $$
 *
 * The convolution runs over time, rows and columns ($j$, $k$ shift rows and columns) and mixes all channels. At a
 * border it reads the mirror image without repeating the border itself: place $-1$ is place 1. `initTable` is what the
 * table starts as: row $t$ has $\cos \iota_t \omega_i$ in its first half and $\sin \iota_t \omega_i$ in its second,
 * with $\omega_i = 10000^{-i/\lfloor C/2 \rfloor}$, and a last column of zeros if $C$ is odd. Frames the model was
 * trained on keep their number, $\iota_t = t$ for $t < f$; later ones run back and forth over the last of those
 * numbers: down for `repeat` frames from $f - 2$, up for `repeat` frames to $f - 1$, and again. Cost: $O(T Y X C^2)$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, an axis to be mirrored has fewer
 * than two places, or `repeat` is not below $f$.
 */
export const temporalExtensionAdapter = mechanism({
  id: "positional/temporal-extension-adapter",
  name: "Temporal extension adapter (ExVideo)",
  paper: "Duan et al., 2024, arXiv:2406.14130",
  code: "modelscope/DiffSynth-Studio diffsynth/models/svd_unet.py:TemporalAttentionBlock",
  inputs: {
    x: "T C Y X",
    p: "T C",
    w1: "C A",
    b1: "A = 0",
    w2: "A C",
    b2: "C = 0",
    conv: "C C 3 3 3",
    convBias: "C = 0",
  },
  outputs: { out: "T C Y X", initTable: "T C" },
  options: {
    f: integer(25, "frames the model was trained on", { min: 2, tried: [3] }),
    repeat: integer(20, "how many frames the numbers run before they turn", { min: 1, tried: [1, 2] }),
  },
  tried: { T: [2, 3], Y: [2, 3], X: [2, 3], C: [1, 2, 3], A: [1, 3] },
  requires: {
    "T, Y and X must be at least 2": (n) => Math.min(n.T, n.Y, n.X) >= 2,
    "repeat must be less than f": (_, o) => o.repeat < o.f,
  },
  properties: [{ linear: ["conv", "convBias"], outputs: ["out"] }],
  run({ x, p, w1, b1, w2, b2, conv, convBias }, { T, C, Y, X, A }, { f, repeat }) {
    const hidden = table([T, A], (t, a) => silu(sum(C, (c) => p(t, c) * w1(c, a)) + b1(a)));
    const embedding = table([T, C], (t, c) => sum(A, (a) => hidden(t, a) * w2(a, c)) + b2(c));
    const mirror = (place: number, size: number) => size - 1 - Math.abs(size - 1 - Math.abs(place));
    const moved = table([T, C, Y, X], (t, c, y, z) => x(t, c, y, z) + embedding(t, c));
    const padded = table([T + 2, C, Y + 2, X + 2], (t, c, y, z) =>
      moved(mirror(t - 1, T), c, mirror(y - 1, Y), mirror(z - 1, X)),
    );
    const numberOf = (t: number) => {
      if (t < f) return t;
      const since = (t - f) % (2 * repeat);
      return since < repeat ? f - 2 - since : f - 2 * repeat + since;
    };
    const half = Math.floor(C / 2);
    const angle = (t: number, i: number) => numberOf(t) * 10000 ** (-i / half);
    return {
      out: (t, o, y, z) =>
        sum(C, (c) =>
          sum(3, (i) => sum(3, (j) => sum(3, (k) => conv(o, c, i, j, k) * padded(t + i, c, y + j, z + k)))),
        ) + convBias(o),
      initTable: (t, c) => (c < half ? Math.cos(angle(t, c)) : c < 2 * half ? Math.sin(angle(t, c - half)) : 0),
    };
  },
});
