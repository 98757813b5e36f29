import { saliencyGatedHashEncoding as encoding } from "../../../spec/positional/saliency-gated-hash-encoding.ts";
import { at, cases, edit, example, fc, law, same, specify, type Tensor, tensor } from "../../kit.ts";

specify(encoding);

const open = (value: number) => [
  [
    [value, value],
    [value, value],
  ],
  [
    [value, value],
    [value, value],
  ],
];
const rows = (n: number) => Array.from({ length: n }, (_, i) => [i]);
example(
  "one dense cell of eight corners, numbered 1, 2, 4 along the axes: the row number grows by ½, ½ and 1",
  encoding,
  {
    x: [
      [0.5, 0.25, 0.25],
      [0, 0, 0],
      [1, 1, 1],
    ],
    tables: [rows(8)],
    saliency: open(1),
  },
  { out: [[2], [0], [7]] },
  { nMin: 1 },
);
example(
  "two cells to an edge and 27 rows are dense: the corner (1, 2, 1) is row 1 + 6 + 9",
  encoding,
  { x: [[0.5, 1, 0.5]], tables: [rows(27)], saliency: open(1) },
  { out: [[16]] },
  { nMin: 2 },
);
example(
  "with 26 rows they are hashed: 2 · 2654435761 wraps to 1013904226, row 6 of 26",
  encoding,
  { x: [[0, 1, 0]], tables: [rows(26)], saliency: open(1) },
  { out: [[1013904226 % 26]] },
  { nMin: 2 },
);
example(
  "16 cells to an edge at first, then 22: at corner (1, 0, 0) of either stands row 1",
  encoding,
  {
    x: [
      [1 / 16, 0, 0],
      [1 / 22, 0, 0],
    ],
    tables: [[[0], [1], [0]], rows(3)],
    saliency: open(1),
  },
  {
    out: [
      [1, 1 + 0.375],
      [16 / 22, 1],
    ],
  },
);
example(
  "the gate grid: −4 counts as 0, 3 more than whole; halfway between 0 and 3 is cut at 1, a quarter is ¾",
  encoding,
  {
    x: [
      [0, 0, 0],
      [1, 0, 0],
      [0.5, 0, 0],
      [0.25, 0, 0],
    ],
    tables: [[[8]]],
    saliency: [
      [
        [-4, 0],
        [0, 0],
      ],
      [
        [3, 0],
        [0, 0],
      ],
    ],
  },
  { out: [[0], [8], [8], [6]] },
);

const point = (n: number, f: (a: number) => number) => tensor([n, 3], (_, a) => f(a));
const whole = (t: Tensor) => edit(t, () => 2);
law(
  "at a corner of a hashed level stands the row that the hash names",
  fc.tuple(
    cases(encoding, { sizes: { P: 5, L: 1 }, options: { nMin: 16 } }),
    fc.array(fc.nat(16), { minLength: 3, maxLength: 3 }),
  ),
  ([{ x, n, o }, corner]) => {
    const [i, j, k] = corner.map(BigInt) as [bigint, bigint, bigint];
    const row = Number((i ^ ((j * 2654435761n) & 0xffffffffn) ^ ((k * 805459861n) & 0xffffffffn)) % 5n);
    same(
      encoding({ ...x, x: point(n.N, (a) => corner[a]! / 16), saliency: whole(x.saliency) }, o).out,
      tensor([n.N, n.E], (_, e) => at(x.tables, 0, row, e)),
    );
  },
);
law("the gate multiplies all features of all levels, and shut it gives 0", cases(encoding), ({ x, n, o }) => {
  const full = encoding({ ...x, saliency: whole(x.saliency) }, o).out;
  const half = encoding({ ...x, saliency: edit(x.saliency, () => 0.5) }, o).out;
  same(
    half,
    edit(full, (y) => y / 2),
  );
  same(
    encoding({ ...x, saliency: edit(x.saliency, () => -1) }, o).out,
    tensor([n.N, n.L * n.E], () => 0),
  );
});
law(
  "runs on across the border of two cells",
  cases(encoding, { options: { nMin: 2 }, sizes: { L: 1 } }),
  ({ x, n, o }) => {
    const beside = (by: number) => encoding({ ...x, x: point(n.N, (a) => 0.5 + by * (a + 1)) }, o).out;
    same(beside(1e-13), beside(-1e-13), 1e-11);
  },
);
law("rows that are all alike come back through the gate as they are", cases(encoding), ({ x, o }) => {
  const level = edit(x.tables, () => 1.5);
  const out = encoding({ ...x, tables: level, saliency: whole(x.saliency) }, o).out;
  same(
    out,
    edit(out, () => 1.5),
  );
});
