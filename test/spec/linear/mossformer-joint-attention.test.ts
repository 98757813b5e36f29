import { mossformerJointAttention as mossformer } from "../../../spec/linear/mossformer-joint-attention.ts";
import {
  at,
  cases,
  type Drawn,
  edit,
  example,
  join,
  law,
  refuses,
  same,
  span,
  specify,
  type Tensor,
  tensor,
} from "../../kit.ts";

specify(mossformer);

// A bias of 100 is 100 after SiLU, and 1 after a kernel of −0.99.
const one = {
  x: [[5]],
  toHiddenW: [[0, 0]],
  toHiddenB: [100, 100],
  toHiddenDw: [[-0.99], [-0.99]],
  toQkW: [[0, 0]],
  toQkB: [100, 100],
  toQkDw: [[0], [0]],
  toOutW: [[1e5]],
  toOutDw: [[0]],
  gamma: [
    [0.16, 0],
    [0.03, 0],
    [0.32, 0],
    [0.01, 0],
  ],
};
const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));
example(
  "a product of 512 in a group of 256 is 2, squared 4; a product of 3 over one token: 7 in all",
  mossformer,
  one,
  { out: [[5 + 700 * sigmoid(7)]] },
  { norm: "scalenorm", eps: 1000 },
);
example(
  "causal: the group of the token itself has no linear part",
  mossformer,
  one,
  { out: [[5 + 400 * sigmoid(4)]] },
  { norm: "scalenorm", eps: 1000, causal: true },
);
example(
  "a negative product counts only in the linear part",
  mossformer,
  {
    ...one,
    gamma: [
      [-0.16, 0],
      [0.03, 0],
      [0.32, 0],
      [0.01, 0],
    ],
  },
  { out: [[5 + 300 * sigmoid(3)]] },
  { norm: "scalenorm", eps: 1000 },
);
const tiny = {
  ...one,
  x: [[5e-6]],
  toHiddenW: [[200, 0, 0, 0]],
  toHiddenB: [0, 100, 100, 100],
  toHiddenDw: [[-0.99], [-0.99], [-0.99], [-0.99]],
  toOutW: [[200], [-100]],
};
example(
  "the default ε of 10⁻⁵ makes ½ of 5 · 10⁻⁶ in the scale norm",
  mossformer,
  tiny,
  { out: [[100 + 5e-6]] },
  { norm: "scalenorm", shift: false },
);
example(
  "the same token shifted is none: the first value is 0, and the norm leaves √2 for the other",
  mossformer,
  { ...tiny, toOutW: [[200], [100]] },
  { out: [[100 * Math.SQRT2 + 5e-6]] },
  { norm: "scalenorm" },
);
refuses("K must be odd", mossformer, {
  ...one,
  toHiddenDw: [
    [0, 0],
    [0, 0],
  ],
  toQkDw: [
    [0, 0],
    [0, 0],
  ],
  toOutDw: [[0, 0]],
});
refuses("with rotary, D must be even", mossformer, {
  ...one,
  toQkW: [[0]],
  toQkB: [100],
  toQkDw: [[0]],
  gamma: [[1], [1], [1], [1]],
});

const total = (length: number, f: (i: number) => number) =>
  Array.from({ length }, (_, i) => f(i)).reduce((a, b) => a + b, 0);
const stepByStep = ({ x, n, o }: Drawn<typeof mossformer>) => {
  const ffConv = (
    a: Tensor,
    w: Tensor,
    bias: Tensor | undefined,
    dw: Tensor,
    gain: Tensor | undefined,
    offset: Tensor | undefined,
  ) => {
    const [rows, width] = [a.shape[0]!, a.shape[1]!];
    const normed = edit(a, (value, t, c) => {
      const centre = o.norm === "layernorm" ? total(width, (i) => at(a, t, i)) / width : 0;
      const square = total(width, (i) => (at(a, t, i) - centre) ** 2) / width;
      const size = o.norm === "layernorm" ? Math.sqrt(square + o.eps) : Math.max(Math.sqrt(square), o.eps);
      return (gain ? at(gain, c) : 1) * ((value - centre) / size) + (offset ? at(offset, c) : 0);
    });
    const b = tensor([rows, w.shape[1]!], (t, c) => {
      const z = (bias ? at(bias, c) : 0) + total(width, (i) => at(normed, t, i) * at(w, i, c));
      return z * sigmoid(z);
    });
    const middle = (n.K - 1) / 2;
    return edit(b, (value, t, c) => {
      const beside = (j: number) => (t + j < 0 || t + j >= rows ? 0 : at(b, t + j, c));
      return value + total(n.K, (j) => at(dw, c, j) * beside(j - middle));
    });
  };
  const larger = Math.ceil(n.M / 2);
  const shifted = edit(x.x, (value, t, m) => (o.shift && m < larger ? (t ? at(x.x, t - 1, m) : 0) : value));
  const hidden = ffConv(shifted, x.toHiddenW, x.toHiddenB, x.toHiddenDw, x.toHiddenNormW, x.toHiddenNormB);
  const [v, u] = [span(hidden, 1, 0, n.F), span(hidden, 1, n.F, 2 * n.F)];
  const z = ffConv(shifted, x.toQkW, x.toQkB, x.toQkDw, x.toQkNormW, x.toQkNormB);
  const turned = (i: number) => {
    const plain = edit(z, (value, _, d) => value * at(x.gamma, i, d) + (x.beta ? at(x.beta, i, d) : 0));
    return edit(plain, (value, t, d) => {
      const turning = Math.min(32, n.D);
      if (!o.rotary || d >= turning) return value;
      const angle = t / 10000 ** ((d - (d % 2)) / turning);
      const other = at(plain, t, d % 2 ? d - 1 : d + 1);
      return value * Math.cos(angle) + (d % 2 ? 1 : -1) * other * Math.sin(angle);
    });
  };
  const [quadQ, linQ, quadK, linK] = [turned(0), turned(1), turned(2), turned(3)];
  const g = o.groupSize;
  const read = (value: Tensor) => {
    const state = (from: number, to: number, d: number, f: number) =>
      total(to - from, (i) => at(linK, from + i, d) * at(value, from + i, f));
    return edit(value, (_, t, f) => {
      const start = t - (t % g);
      const end = o.causal ? t + 1 : Math.min(start + g, n.T);
      const near = total(end - start, (i) => {
        const product = total(n.D, (d) => at(quadQ, t, d) * at(quadK, start + i, d)) / g;
        return Math.max(product, 0) ** 2 * at(value, start + i, f);
      });
      const far = (to: number) => total(n.D, (d) => at(linQ, t, d) * state(0, to, d, f));
      return near + (o.causal ? far(start) / g : far(n.T) / n.T);
    });
  };
  const [readV, readU] = [read(v), read(u)];
  const joint = edit(v, (value, t, f) => at(readU, t, f) * value * sigmoid(at(readV, t, f) * at(u, t, f)));
  const y = ffConv(joint, x.toOutW, x.toOutB, x.toOutDw, x.toOutNormW, x.toOutNormB);
  same(
    mossformer(x, o).out,
    edit(y, (value, t, m) => at(x.x, t, m) + value),
    1e-9,
  );
};
law(
  "is what the steps of the code make: padded groups, a state for the whole or for the groups before",
  cases(mossformer),
  stepByStep,
);
law(
  "so too with more than 32 features, of which the first 32 turn",
  cases(mossformer, { sizes: { D: 34, M: 1, F: 1, K: 1, T: 2 }, options: { rotary: true } }),
  stepByStep,
  5,
);
const noConv = (x: { toHiddenDw: Tensor; toQkDw: Tensor; toOutDw: Tensor }) => ({
  toHiddenDw: edit(x.toHiddenDw, () => 0),
  toQkDw: edit(x.toQkDw, () => 0),
  toOutDw: edit(x.toOutDw, () => 0),
});
law(
  "without the linear part, shift and convolution, groups are on their own",
  cases(mossformer, { options: { shift: false, groupSize: 2 }, sizes: { T: 5 }, given: { beta: false } }),
  ({ x, o }) => {
    const local = { ...x, ...noConv(x), gamma: edit(x.gamma, (value, i) => (i === 1 ? 0 : value)) };
    const parts = [0, 2, 4].map((t) => mossformer({ ...local, x: span(x.x, 0, t, Math.min(t + 2, 5)) }, o).out);
    same(mossformer(local, o).out, join(0, ...parts), 1e-9);
  },
);
law(
  "causal and without convolution, a token does not see those after it",
  cases(mossformer, { options: { causal: true, groupSize: 2 }, sizes: { T: 5 } }),
  ({ x, o }) => {
    const local = { ...x, ...noConv(x) };
    same(mossformer({ ...local, x: span(x.x, 0, 0, 3) }, o).out, span(mossformer(local, o).out, 0, 0, 3), 1e-9);
  },
);
