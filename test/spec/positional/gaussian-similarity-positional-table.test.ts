import { gaussianSimilarityPositionalTable as code } from "../../../spec/positional/gaussian-similarity-positional-table.ts";
import { cases, edit, example, fail, fc, law, same, specify, tensor, tensorOf } from "../../kit.ts";

specify(code);

example(
  "rows 1, 0 and, behind the table of two, a special token that is zero",
  code,
  {
    index: [
      [1, 0, 2],
      [5, 1, 1],
    ],
    w: [
      [1, 2],
      [3, 4],
    ],
  },
  {
    out: [
      [3, 4, 1, 2, 0, 0],
      [0, 0, 3, 4, 3, 4],
    ],
  },
);
example(
  "cut to a width of 3",
  code,
  {
    index: [[1, 0, 1]],
    w: [
      [1, 2],
      [3, 4],
    ],
  },
  { out: [[3, 4, 1]] },
  { e: 3 },
);
example(
  "orthogonal rows of norms 1 and 3 miss exp(−1/8) twice, and the mean norm by 1 each",
  code,
  {
    index: [[0, 0, 0]],
    w: [
      [1, 0],
      [0, 3],
    ],
  },
  { loss: 2 * Math.exp(-1 / 4) + 1 },
);
example(
  "equal rows miss 1 − exp(−2) twice at σ = ½",
  code,
  { index: [[0, 0, 0]], w: [[2], [2]] },
  { loss: 2 * (1 - Math.exp(-2)) ** 2 },
  { sigma: 0.5 },
);
example("a row of zeros is like nothing, not even itself", code, { index: [[0, 0, 0]], w: [[0]] }, { loss: 1 });

law(
  "a table with the Gaussian for its products fits without loss, and so does any rotation of it",
  fc.constant(0),
  () => {
    const size = 5;
    const gram = (i: number, j: number) => Math.exp(-((i - j) ** 2) / 8);
    const root = Array.from({ length: size }, () => new Array<number>(size).fill(0));
    for (let i = 0; i < size; i++)
      for (let j = 0; j <= i; j++) {
        const rest = gram(i, j) - root[i]!.slice(0, j).reduce((s, r, c) => s + r * root[j]![c]!, 0);
        root[i]![j] = i === j ? Math.sqrt(rest) : rest / root[j]![j]!;
      }
    const index = tensorOf([[0, 0, 0]]);
    const turned = root.map(([a = 0, b = 0, ...rest]) => [0.6 * a - 0.8 * b, 0.8 * a + 0.6 * b, ...rest]);
    for (const w of [root, turned]) same(code({ index, w: tensorOf(w) }).loss, tensorOf(0));
  },
);
law(
  "the direction fits alike at any common length; lengths that differ cost their variance",
  cases(code),
  ({ x, n, o }) => {
    const one = tensor([n.P, n.D], (_, d) => (d === 0 ? 1 : 0));
    const long = tensor([n.P, n.D], (i, d) => (d === 0 ? i + 1 : 0));
    const constant = edit(one, (v) => 3 * v);
    const at0 = code({ ...x, w: one }, o).loss;
    same(code({ ...x, w: constant }, o).loss, at0);
    same(
      code({ ...x, w: long }, o).loss,
      edit(at0, (l) => l + (n.P ** 2 - 1) / 12),
    );
  },
);

const refused = (call: () => unknown): void => {
  try {
    call();
  } catch (error) {
    if (String(error).includes("at most 3·D")) return;
    throw error;
  }
  fail("it was accepted");
};
law("a code is no wider than three rows", fc.constant(0), () =>
  refused(() => code({ index: tensorOf([[0, 0, 0]]), w: tensorOf([[1, 2]]) }, { e: 7 })),
);
