import { choice, clamp, mechanism, table } from "../page.ts";

/**
 * Language-aligned positional embedding (LAPE): visual features get, for each of time, height and width, the mean of the
 * input and output embeddings of the words that name a coordinate on that axis, so that text and vision share one set of
 * positions. Li et al. 2025 (LLaVA-ST), arXiv:2501.08282.
 *
 * $$ B_a = \tfrac12 (E^{in}_a + E^{out}_a), \quad
 *    y_{t,i,j} = x_{t,i,j} + B_t(t) + B_h\bigl(\tfrac{i + 1/2}{Y} P - \tfrac12\bigr) + B_w\bigl(\tfrac{j + 1/2}{X} P - \tfrac12\bigr) $$
 * $$ \text{of a coordinate } c: \quad E^{in}_a\bigl((P - 1)\operatorname{clip}(c, 0, 1)\bigr) $$
 *
 * A table read between two rows is interpolated linearly, and beyond its ends is its end. $P$, the words of an axis, is 100 in
 * the official code. Time is not resized: a `video` has $T = P$ frames, an `image` (one crop or several) gets row 0 of $B_t$
 * everywhere. `coords` are coordinates in running text, on the axis `axis`; beyond 0 and 1 they are clipped. In training the
 * gradient of a table is spread over neighbouring words; that changes no value. Cost: $O(T Y X M)$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or a video has other than $P$ frames.
 */
export const languageAlignedPositionEmbedding = mechanism({
  id: "positional/language-aligned-position-embedding",
  name: "Language-aligned positional embedding (LAPE)",
  paper: "Li et al., 2025, arXiv:2501.08282",
  code: "appletea233/LLaVA-ST llava/model/llava_arch.py:token_transfer, encode_images",
  inputs: {
    x: "T Y X M",
    coords: "N = none",
    einT: "P M",
    einH: "P M",
    einW: "P M",
    eoutT: "P M",
    eoutH: "P M",
    eoutW: "P M",
  },
  outputs: { out: "T Y X M", coordEmbeddings: "N M = none" },
  options: {
    modality: choice(["video", "image"], "whether time is one word a frame or the first word throughout"),
    axis: choice(["time", "height", "width"], "the axis that coords are on"),
  },
  tried: { T: [1, 2, 3], P: [1, 2, 3] },
  domain: { coords: { usual: [-0.5, 1.5] } },
  requires: { "T must be P for modality video": (n, o) => o.modality === "image" || n.T === n.P },
  properties: [
    { linear: ["x", "einT", "einH", "einW", "eoutT", "eoutH", "eoutW"] },
    { independent: "N", outputs: ["coordEmbeddings"], when: (_, __, given) => given.coords === true },
  ],
  run({ x, coords, einT, einH, einW, eoutT, eoutH, eoutW }, { P, Y, X, M }, { modality, axis }, given) {
    type Rows = (p: number, m: number) => number;
    const between = (rows: Rows, place: number, m: number) => {
      const u = clamp(place, 0, P - 1);
      const part = u - Math.floor(u);
      return (1 - part) * rows(Math.floor(u), m) + part * rows(Math.ceil(u), m);
    };
    const shared = (input: Rows, output: Rows): Rows => table([P, M], (p, m) => (input(p, m) + output(p, m)) / 2);
    const resized = (rows: Rows, length: number): Rows =>
      table([length, M], (i, m) => between(rows, ((i + 0.5) / length) * P - 0.5, m));
    const inTime = shared(einT, eoutT);
    const inHeight = resized(shared(einH, eoutH), Y);
    const inWidth = resized(shared(einW, eoutW), X);
    const words = { time: einT, height: einH, width: einW }[axis];
    return {
      out: (t, i, j, m) => x(t, i, j, m) + inTime(modality === "video" ? t : 0, m) + inHeight(i, m) + inWidth(j, m),
      coordEmbeddings: given.coords ? (c, m) => between(words, (P - 1) * coords(c), m) : undefined,
    };
  },
});
