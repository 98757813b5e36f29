import { scaledDotProductAttention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { lightnetAdditiveDecay as lightnet } from "../../../spec/linear/lightnet-additive-decay.ts";
import { at, cases, edit, example, join, law, refuses, same, specify, tensor } from "../../kit.ts";

specify(lightnet);

const ln = Math.log;
const blank = { wQ: [[100]], g1: [[1]], g2: [[100]], wO: [[1]] };
example(
  "two tokens with weights 1 and 3: the state is their average; ln 4 is carried",
  lightnet,
  {
    ...blank,
    x: [
      [1, 0],
      [0, 1],
    ],
    wQ: [[100], [100]],
    wK: [[0], [ln(3)]],
    wV: [[8], [4]],
    g1: [[1], [0]],
  },
  { out: [[100], [0]], state: [[[5]]], z: [[ln(4)]] },
);
example(
  "what is carried weighs in: 4 at weight 3, then 8 at weight 1",
  lightnet,
  { ...blank, x: [[1]], wK: [[0]], wV: [[8]], state: [[[4]]], z: [[ln(3)]] },
  { state: [[[5]]], z: [[ln(4)]] },
);
example(
  "a running sum that starts at 1 halves the first value",
  lightnet,
  { ...blank, x: [[1]], wK: [[0]], wV: [[8]] },
  { state: [[[4]]], z: [[ln(2)]] },
  { initOne: true },
);
example(
  "a norm of 3 and 4 over two heads, gain, and gates silu(ln 3) = ¾ ln 3 through a bottleneck",
  lightnet,
  {
    x: [[1]],
    wQ: [[100, 100]],
    wK: [[0, 0]],
    wV: [[300, 400]],
    g1: [[2]],
    g2: [[ln(3) / 2, ln(3) / 2]],
    norm: [1, 2],
    wO: [
      [Math.SQRT2, 0],
      [0, Math.SQRT2],
    ],
  },
  { out: [[0.75 * ln(3) * (6 / 5), 0.75 * ln(3) * (16 / 5)]] },
  { heads: 2 },
);
example(
  "at D = 4 the scale is ½; the default ε of 10⁻⁶ halves a mean square of 10⁻⁶",
  lightnet,
  { x: [[1]], wQ: [[100, 0, 0, 0]], wK: [[0, 0, 0, 0]], wV: [[2e-5]], g1: [[1]], g2: [[100]], wO: [[Math.SQRT2]] },
  { out: [[100]] },
);
refuses("state needs z", lightnet, { ...blank, x: [[1]], wK: [[0]], wV: [[8]], state: [[[4]]] });

const total = (length: number, f: (i: number) => number) =>
  Array.from({ length }, (_, i) => f(i)).reduce((a, b) => a + b, 0);
const silu = (z: number) => z / (1 + Math.exp(-z));
const fresh = { given: { state: false, z: false } };
law(
  "each channel of a key is a softmax of its own: what is read is a sum of attentions without queries",
  cases(lightnet, { ...fresh, options: { initOne: false } }),
  ({ x, n, o }) => {
    const projected = (w: typeof x.wQ, width: number) =>
      tensor([n.H, n.T, width], (h, t, d) => total(n.M, (m) => at(x.x, t, m) * at(w, m, h * width + d)));
    const [q, k, v] = [projected(x.wQ, n.D), projected(x.wK, n.D), projected(x.wV, n.E)];
    const channel = (d: number) =>
      scaledDotProductAttention(
        { q: tensor([n.H, n.T, 1], () => 1), k: tensor([n.H, n.T, 1], (h, t) => at(k, h, t, d)), v },
        { scale: 1, causal: o.causal },
      ).out;
    const averages = Array.from({ length: n.D }, (_, d) => channel(d));
    const read = edit(v, (_, h, t, e) => o.scale * total(n.D, (d) => silu(at(q, h, t, d)) * at(averages[d]!, h, t, e)));
    const size = (t: number) =>
      Math.sqrt(total(n.H, (h) => total(n.E, (e) => at(read, h, t, e) ** 2)) / (n.H * n.E) + o.eps);
    const gate = (t: number, c: number) =>
      silu(total(n.R, (r) => total(n.M, (m) => at(x.x, t, m) * at(x.g1, m, r)) * at(x.g2, r, c)));
    const y = edit(read, (value, h, t, e) => {
      const c = h * n.E + e;
      return (gate(t, c) * (x.norm ? at(x.norm, c) : 1) * value) / size(t);
    });
    const actual = lightnet(x, o);
    same(
      actual.out,
      tensor([n.T, n.Mo], (t, m) => total(n.H, (h) => total(n.E, (e) => at(y, h, t, e) * at(x.wO, h * n.E + e, m)))),
    );
    same(
      actual.state,
      tensor([n.H, n.D, n.E], (h, d, e) =>
        at(
          scaledDotProductAttention(
            { q: tensor([n.H, 1, 1], () => 1), k: tensor([n.H, n.T, 1], (g, t) => at(k, g, t, d)), v },
            { scale: 1 },
          ).out,
          h,
          0,
          e,
        ),
      ),
    );
  },
);
law("the last token reads the same with and without a mask, and so do states", cases(lightnet), ({ x, n, o }) => {
  const [causal, all] = [lightnet(x, { ...o, causal: true }), lightnet(x, { ...o, causal: false })];
  const end = (t: typeof all.out) => tensor([n.Mo], (m) => at(t, n.T - 1, m));
  same(end(all.out), end(causal.out));
  same(all.state, causal.state);
});
law(
  "a constant on a channel of all keys changes nothing but z",
  cases(lightnet, { ...fresh, options: { initOne: false } }),
  ({ x, n, o }) => {
    const one = tensor([n.T, 1], () => 1);
    const more = (w: typeof x.wQ, f: (c: number) => number) =>
      join(
        0,
        w,
        tensor([1, w.shape[1]!], (_, c) => f(c)),
      );
    const shifted = lightnet(
      {
        ...x,
        x: join(1, x.x, one),
        wQ: more(x.wQ, () => 0),
        wK: more(x.wK, (c) => c + 0.5),
        wV: more(x.wV, () => 0),
        g1: more(x.g1, () => 0),
      },
      o,
    );
    const plain = lightnet(x, o);
    same(shifted.out, plain.out);
    same(shifted.state, plain.state);
    same(
      shifted.z,
      edit(plain.z, (z, h, d) => z + h * n.D + d + 0.5),
    );
  },
);
law("a start at 1 is a z of 0", cases(lightnet, fresh), ({ x, n, o }) =>
  same(
    lightnet({ ...x, z: tensor([n.H, n.D], () => 0) }, { ...o, initOne: false }).out,
    lightnet(x, { ...o, initOne: true }).out,
  ),
);
