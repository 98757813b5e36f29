import { languageAlignedPositionEmbedding as lape } from "../../../spec/positional/language-aligned-position-embedding.ts";
import { at, cases, edit, example, law, pick, same, specify, tensor } from "../../kit.ts";

specify(lape);

const none = [[0], [0]];
example(
  "a video: each frame gets half of in plus out of its word, height 1 the middle of two words",
  lape,
  {
    x: [[[[1]]], [[[2]]]],
    einT: [[10], [30]],
    eoutT: [[20], [50]],
    einH: [[100], [300]],
    eoutH: none,
    einW: none,
    eoutW: none,
  },
  { out: [[[[116]]], [[[142]]]] },
);
example(
  "an image: word 0 of time for every crop, two words over four columns at −1/4, 1/4, 3/4 and 5/4",
  lape,
  {
    x: [[[[0], [0], [0], [0]]], [[[0], [0], [0], [0]]]],
    einT: [[2], [4]],
    eoutT: none,
    einH: none,
    eoutH: none,
    einW: [[8], [0]],
    eoutW: [[0], [16]],
  },
  { out: [[[[5], [6], [8], [9]]], [[[5], [6], [8], [9]]]] },
  { modality: "image" },
);
example(
  "coordinates ¼ and −2 on words at 0, ½ and 1 of the time axis",
  lape,
  {
    x: [[[[0]]]],
    coords: [0.25, -2],
    einT: [[10], [20], [40]],
    eoutT: [[1], [1], [1]],
    einH: [[0], [0], [0]],
    eoutH: [[0], [0], [0]],
    einW: [[0], [0], [0]],
    eoutW: [[0], [0], [0]],
  },
  { out: [[[[5.5]]]], coordEmbeddings: [[15], [10]] },
  { modality: "image" },
);

law(
  "a coordinate i / (P − 1) is exactly word i of the axis",
  cases(lape, { options: { modality: "image" }, sizes: { P: 3 } }),
  ({ x, n, o }) => {
    const words = { time: x.einT, height: x.einH, width: x.einW }[o.axis];
    const coords = tensor([n.P], (i) => i / (n.P - 1));
    same(lape({ ...x, coords }, o).coordEmbeddings, words);
  },
);
law("coordinates beyond 0 and 1 are clipped", cases(lape, { given: { coords: true } }), ({ x, o }) => {
  const clipped = edit(x.coords, (c) => Math.min(Math.max(c, 0), 1));
  same(lape({ ...x, coords: clipped }, o).coordEmbeddings, lape(x, o).coordEmbeddings);
});
law("as many rows and columns as words: no resizing", cases(lape, { sizes: { P: 3, Y: 3, X: 3 } }), ({ x, n, o }) => {
  const middle = (input: typeof x.einT, output: typeof x.einT, p: number, m: number) =>
    (at(input, p, m) + at(output, p, m)) / 2;
  same(
    lape(x, o).out,
    tensor(
      [n.T, n.Y, n.X, n.M],
      (t, i, j, m) =>
        at(x.x, t, i, j, m) +
        middle(x.einT, x.eoutT, o.modality === "image" ? 0 : t, m) +
        middle(x.einH, x.eoutH, i, m) +
        middle(x.einW, x.eoutW, j, m),
    ),
  );
});
law("input and output words count alike in the picture, and width and height are alike", cases(lape), ({ x, o }) => {
  const { einT, eoutT, einH, eoutH, einW, eoutW } = x;
  same(lape({ ...x, einT: eoutT, eoutT: einT, einH: eoutH, eoutH: einH }, o).out, lape(x, o).out);
  const turned = (t: typeof x.x) =>
    tensor([t.shape[0]!, t.shape[2]!, t.shape[1]!, t.shape[3]!], (f, i, j, m) => at(t, f, j, i, m));
  same(
    lape({ ...x, x: turned(x.x), einH: einW, eoutH: eoutW, einW: einH, eoutW: eoutH }, o).out,
    turned(lape(x, o).out),
  );
});
law("mirrored words and a mirrored picture give the mirrored result", cases(lape), ({ x, n, o }) => {
  const mirrored = (t: typeof x.x, axis: number, size: number) => pick(t, axis, size, (i) => size - 1 - i);
  same(
    lape({ ...x, x: mirrored(x.x, 1, n.Y), einH: mirrored(x.einH, 0, n.P), eoutH: mirrored(x.eoutH, 0, n.P) }, o).out,
    mirrored(lape(x, o).out, 1, n.Y),
  );
});
