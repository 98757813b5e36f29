import { mesanet } from "../../../spec/linear/mesanet.ts";
import { mesanetLayer as layer } from "../../../spec/linear/mesanet-layer.ts";
import { at, cases, edit, example, join, law, same, span, specify, tensor } from "../../kit.ts";

specify(layer);

const silu = (x: number) => x / (1 + Math.exp(-x));
const unit = (y: number) => y / Math.sqrt(y ** 2 + 1e-6);
const one = {
  x: [[1]],
  wQ: [[2]],
  wK: [[3]],
  wV: [[4]],
  convQ: [[1]],
  convK: [[1]],
  wA: [[2]],
  bA: [-2],
  wB: [[1]],
  bB: [Math.log(3) - 1],
  lambdaRaw: [[Math.log(Math.exp(1.75) - 1)]],
  norm: [3],
  wO: [[2]],
  stateG: [[[8]]],
  stateH: [[[4]]],
};
const k = unit(silu(3));
const [G, H] = [4 + 0.75 * k ** 2, 2 + 3 * k];
const o = (unit(silu(2)) / (G + 2)) * H;
example("a decay of ½ and a strength of ¾; λ = ¼ + 1¾", layer, one, {
  stateG: [[[G]]],
  stateH: [[[H]]],
  out: [[(6 * o) / Math.sqrt(o ** 2 + 1e-5)]],
});
example("with an output gate", layer, { ...one, wG: [[5]] }, { out: [[(6 * silu(5) * o) / Math.sqrt(o ** 2 + 1e-5)]] });
const start = unit(silu(2)) / (G + 2);
example(
  "no steps of conjugate gradients, from 0 and from the diagonal",
  layer,
  one,
  { out: [[0]] },
  { solver: "cg", iters: 0 },
);
example(
  "from the diagonal, which is all there is of a matrix of one number",
  layer,
  one,
  { out: [[(6 * start * H) / Math.sqrt((start * H) ** 2 + 1e-5)]] },
  { solver: "cg", iters: 0, start: "diag" },
);

law("two heads are two layers of one head added up", cases(layer, { options: { heads: 2 } }), ({ x, n, o }) => {
  const head = (h: number) => {
    const of = (t: typeof x.wQ, axis: number, width: number) => span(t, axis, h * width, (h + 1) * width);
    return layer(
      {
        ...x,
        ...{ wQ: of(x.wQ, 1, n.D), wK: of(x.wK, 1, n.D), wV: of(x.wV, 1, n.E), wO: of(x.wO, 0, n.E) },
        ...{ convQ: of(x.convQ, 0, n.D), convK: of(x.convK, 0, n.D), lambdaRaw: of(x.lambdaRaw, 0, 1) },
        ...{ wA: of(x.wA, 1, 1), bA: of(x.bA, 0, 1), wB: of(x.wB, 1, 1), bB: of(x.bB, 0, 1) },
        ...(x.wG && { wG: of(x.wG, 1, n.E) }),
        ...(x.stateG && { stateG: of(x.stateG, 0, 1) }),
        ...(x.stateH && { stateH: of(x.stateH, 0, 1) }),
      },
      { ...o, heads: 1 },
    );
  };
  const [first, second, both] = [head(0), head(1), layer(x, o)];
  same(
    both.out,
    edit(first.out, (y, t, m) => y + at(second.out, t, m)),
  );
  same(both.stateG, join(0, first.stateG, second.stateG));
  same(both.stateH, join(0, first.stateH, second.stateH));
});
law(
  "what is kept is what the recurrence keeps",
  cases(layer, { options: { heads: 1 }, sizes: { K: 1 } }),
  ({ x, n }) => {
    const project = (w: typeof x.wQ, t: number, c: number) => {
      let total = 0;
      for (let m = 0; m < n.M; m++) total += at(x.x, t, m) * at(w, m, c);
      return total;
    };
    const key = (t: number, d: number) => silu(at(x.convK, d, 0) * project(x.wK, t, d));
    const k = tensor([n.T, n.D], (t, d) => {
      let square = 1e-6;
      for (let c = 0; c < n.D; c++) square += key(t, c) ** 2;
      return key(t, d) / Math.sqrt(square);
    });
    const { stateG, stateH } = mesanet({
      q: k,
      k,
      v: tensor([n.T, n.E], (t, e) => project(x.wV, t, e)),
      g: tensor([n.T], (t) => -Math.log1p(Math.exp(-project(x.wA, t, 0) - at(x.bA, 0)))),
      beta: tensor([n.T], (t) => 1 / (1 + Math.exp(-project(x.wB, t, 0) - at(x.bB, 0)))),
      lambda: tensor([n.D], () => 1),
      ...(x.stateG && { stateG: tensor([n.D, n.D], (i, j) => at(x.stateG, 0, i, j)) }),
      ...(x.stateH && { stateH: tensor([n.D, n.E], (i, j) => at(x.stateH, 0, i, j)) }),
    });
    const kept = layer(x, { heads: 1 });
    same(
      kept.stateG,
      tensor([1, n.D, n.D], (_, i, j) => at(stateG, i, j)),
    );
    same(
      kept.stateH,
      tensor([1, n.D, n.E], (_, i, j) => at(stateH, i, j)),
    );
  },
);
law("cg stands for 30 steps from 0", cases(layer), ({ x, o: { heads } }) =>
  same(layer(x, { heads, solver: "cg" }).out, layer(x, { heads, solver: "cg", iters: 30, start: "zero" }).out),
);
