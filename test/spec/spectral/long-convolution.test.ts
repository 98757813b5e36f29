import { longConvolution as convolution } from "../../../spec/spectral/long-convolution.ts";
import { at, cases, edit, example, join, law, refuses, same, span, specify, tensor } from "../../kit.ts";

specify(convolution);

const u = [[1], [10], [100]];
example("taps 1 and 2", convolution, { u, kernel: [[1, 2]] }, { out: [[1], [12], [120]] });
example(
  "and three times the token itself",
  convolution,
  { u, kernel: [[1, 2]], dSkip: [3] },
  { out: [[4], [42], [420]] },
);
example(
  "the reversed filter's first tap is on the next token",
  convolution,
  { u, kernel: [[1, 2]], kernelRev: [[5, 7]] },
  {
    out: [[1 + 50 + 700], [12 + 500], [120]],
  },
);
example("taps shrunk by 1", convolution, { u, kernel: [[3, -2.5, 0.5]] }, { out: [[2], [18.5], [185]] }, { squash: 1 });
const pieces = [
  [4, 8],
  [4, 8],
  [4, 8],
];
const impulse = (at: number) => Array.from({ length: 9 }, (_, t) => [t === at ? 1 : 0]);
example(
  "pieces 4, 8 in three scales: as they are, halved, and a quarter of them stretched to 4, 5, 7, 8",
  convolution,
  { u: impulse(0), scales: [pieces] },
  { out: [[4], [8], [2], [4], [1], [1.25], [1.75], [2], [0]] },
);
example(
  "the same ahead, ten times as large",
  convolution,
  { u: impulse(8), scales: [pieces], scalesRev: [pieces.map((piece) => piece.map((tap) => 10 * tap))] },
  { out: [[20], [17.5], [12.5], [10], [40], [20], [80], [40], [4]] },
);
refuses("give kernel or scales", convolution, { u });
refuses("give kernel or scales", convolution, { u, kernel: [[1]], scales: [[[1]]] });
refuses("kernelRev goes with kernel", convolution, { u, scales: [[[1]]], kernelRev: [[1]] });
refuses("scalesRev with scales", convolution, { u, kernel: [[1]], scalesRev: [[[1]]] });

law("one tap of 1 changes nothing", cases(convolution, { given: { kernel: true, dSkip: false } }), ({ x }) => {
  same(convolution({ u: x.u, kernel: tensor([x.u.shape[1]!, 1], () => 1) }).out, x.u);
});
law("starting one token later, from zero, ends one token later", cases(convolution), ({ x, n, o }) => {
  const none = tensor([1, n.M], () => 0);
  const { kernelRev: _k, scalesRev: _s, ...causal } = x;
  const later = convolution({ ...causal, u: join(0, none, x.u) }, o).out;
  same(later, join(0, none, convolution(causal, o).out));
});
law("a large squash leaves only D u", cases(convolution, { given: { dSkip: true } }), ({ x, o }) => {
  same(
    convolution(x, { ...o, squash: 100 }).out,
    edit(x.u, (v, _, m) => v * at(x.dSkip, m)),
  );
});
law(
  "read backwards, a filter is its first tap on the token and the others on those ahead",
  cases(convolution, { given: { kernel: true, kernelRev: false, scales: false } }),
  ({ x, n, o }) => {
    const backwards = (t: typeof x.u) => edit(t, (_, i, m) => at(t, n.T - 1 - i, m));
    const twice = tensor([n.M, n.K + 1], (m, j) => (j < n.K ? at(x.kernel, m, j) : 0));
    const ahead = {
      kernel: edit(twice, (v, _, j) => (j === 0 ? v : 0)),
      kernelRev: edit(twice, (_, m, j) => (j < n.K ? at(twice, m, j + 1) : 0)),
    };
    same(backwards(convolution({ ...x, u: backwards(x.u) }, o).out), convolution({ ...x, ...ahead }, o).out);
  },
);
law(
  "pieces are a filter as long as the last of them ends",
  cases(convolution, { given: { scales: true, scalesRev: false, kernel: false, dSkip: false } }),
  ({ x, n, o }) => {
    const length = n.Ks * 2 ** (n.L - 1);
    const first = (t: number) => Number(t === 0);
    const filter = convolution({ ...x, u: tensor([length + 2, n.M], first) }, { ...o, squash: 0 }).out;
    same(
      span(filter, 0, length, length + 2),
      tensor([2, n.M], () => 0),
    );
    const kernel = tensor([n.M, length], (m, j) => at(filter, j, m));
    same(convolution({ u: x.u, kernel }, o).out, convolution(x, o).out);
  },
);
law(
  "equal pieces without decay make a flat filter",
  cases(convolution, { given: { scales: true, scalesRev: false, kernel: false, dSkip: false } }),
  ({ x, n }) => {
    const length = n.Ks * 2 ** (n.L - 1);
    const flat = convolution({ ...x, scales: edit(x.scales, () => 3) }, { decay: 1 }).out;
    same(flat, convolution({ u: x.u, kernel: tensor([n.M, length], () => 3) }).out);
  },
);
