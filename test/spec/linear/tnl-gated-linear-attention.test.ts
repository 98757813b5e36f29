import { lightningAttention } from "../../../spec/linear/lightning-attention.ts";
import { tnlGatedLinearAttention as tnl } from "../../../spec/linear/tnl-gated-linear-attention.ts";
import { at, cases, edit, example, law, refuses, same, specify, tensor, tensorOf } from "../../kit.ts";

specify(tnl);

const total = (length: number, f: (i: number) => number) =>
  Array.from({ length }, (_, i) => f(i)).reduce((a, b) => a + b, 0);
const list = <V>(length: number, f: (i: number) => V) => Array.from({ length }, (_, i) => f(i));
const blank = (H: number) => ({
  x: [[0]],
  wQ: [list(H, () => 1)],
  wK: [list(H, () => 1)],
  wV: [list(H, () => 1)],
  wU: [list(H, () => 1)],
  wO: list(H, () => [1]),
  state: list(H, () => [[1]]),
});
const left = (slopes: readonly number[], depth: number) => slopes.map((s) => [[Math.exp(-s * depth)]]);
example("by default 8 heads of the first layer, with slopes from ½ to 2^(−8)", tnl, blank(8), {
  out: [[0]],
  state: left(
    list(8, (h) => 2 ** (-1 - h)),
    1 + 1e-5,
  ),
});
example(
  "three heads: the slopes of two, then the first of four; the last of 24 layers hardly fades",
  tnl,
  blank(3),
  { state: left([1 / 16, 1 / 256, 1 / 4], 1e-5) },
  { heads: 3, layerIndex: 23 },
);
example(
  "seven heads: those of four, then the first, third and fifth of eight; layer 1 of 5",
  tnl,
  blank(7),
  { state: left([1 / 4, 1 / 16, 1 / 64, 1 / 256, 1 / 2, 1 / 8, 1 / 32], 0.75 + 1e-5) },
  { heads: 7, layerIndex: 1, numLayers: 5 },
);
const two = { x: [[100]], wQ: [[1, 1]], wK: [[1, 1]], wV: [[0.01]], wU: [[0.01]], wO: [[1]] };
const [p, slow] = [3, 3e-4];
example(
  "linearised rotary positions: frequencies 1 and 1/10000 of two features, cosines first",
  tnl,
  { ...two, position: p },
  {
    out: [[1]],
    state: [[[100 * Math.cos(p)], [100 * Math.cos(slow)], [100 * Math.sin(p)], [100 * Math.sin(slow)]]],
    position: 4,
  },
  { heads: 1, useLrpe: true },
);
example(
  "two heads of one feature: frequencies 1 and 1/10000, as the features are counted through",
  tnl,
  { ...two, wV: [[0.01, 0.01]], wU: [[0.01, 0.01]], wO: [[1], [1]], position: p },
  {
    state: [
      [[100 * Math.cos(p)], [100 * Math.sin(p)]],
      [[100 * Math.cos(slow)], [100 * Math.sin(slow)]],
    ],
  },
  { heads: 2, useLrpe: true },
);
example(
  "the default ε of 10⁻⁶ halves a mean square of 10⁻⁶; values and gates have no SiLU",
  tnl,
  {
    x: [[100]],
    wQ: [[1]],
    wK: [[0]],
    wV: [[-9]],
    wU: [[-0.01]],
    wO: [[Math.SQRT2]],
    state: [[[1e-5 * Math.exp(2 ** -8 * (1 + 1e-5))]]],
  },
  { out: [[-1]] },
  { heads: 1 },
);
refuses("theta needs useLrpe", tnl, { ...blank(1), theta: [[1]] }, { heads: 1 });
refuses("layerIndex must be less than numLayers", tnl, blank(1), { heads: 1, layerIndex: 2, numLayers: 2 });

law("is lightning attention of the features, a norm over all heads and a gate", cases(tnl), ({ x, n, o }) => {
  const projected = (w: typeof x.wQ, width: number) =>
    tensor([n.H, n.T, width], (h, t, d) => total(n.M, (m) => at(x.x, t, m) * at(w, m, h * width + d)));
  const first = x.position ? x.position.data[0]! : 0;
  const features = (w: typeof x.wQ) => {
    const plain = edit(projected(w, n.D), (z) => z / (1 + Math.exp(-z)));
    if (!o.useLrpe) return plain;
    const frequency = (h: number, d: number) =>
      x.theta ? at(x.theta, h, d) : 10000 ** ((-2 * (h * n.D + d)) / (n.H * n.D));
    return tensor([n.H, n.T, 2 * n.D], (h, t, f) => {
      const d = f % n.D;
      const turn = (first + t) * frequency(h, d);
      return at(plain, h, t, d) * (f < n.D ? Math.cos(turn) : Math.sin(turn));
    });
  };
  const power = 2 ** Math.floor(Math.log2(n.H));
  const slope = tensor([n.H], (h) => {
    const s = h < power ? 2 ** ((-8 * (h + 1)) / power) : 2 ** ((-8 * (2 * (h - power) + 1)) / (2 * power));
    return s * (1 - o.layerIndex / (o.numLayers - 1) + 1e-5);
  });
  const v = edit(projected(x.wV, n.E), (value, _, t) => value * (x.mask ? at(x.mask, t) : 1));
  const read = lightningAttention({
    q: features(x.wQ),
    k: features(x.wK),
    v,
    slope,
    ...(x.state && { state: x.state }),
  });
  const size = (t: number) =>
    Math.sqrt(total(n.H, (h) => total(n.E, (e) => at(read.out, h, t, e) ** 2)) / (n.H * n.E) + o.eps);
  const u = projected(x.wU, n.E);
  const y = edit(read.out, (value, h, t, e) => (at(u, h, t, e) * value) / size(t));
  const actual = tnl(x, o);
  same(actual.state, read.state);
  same(
    actual.out,
    tensor([n.T, n.Mo], (t, m) => total(n.H, (h) => total(n.E, (e) => at(y, h, t, e) * at(x.wO, h * n.E + e, m)))),
  );
});
law(
  "only distances count",
  cases(tnl, { options: { useLrpe: true }, given: { state: false, position: false } }),
  ({ x, o }) => same(tnl({ ...x, position: tensorOf(3) }, o).out, tnl(x, o).out),
);
law("but for ε, the size of the values is immaterial", cases(tnl, { given: { state: false } }), ({ x, o }) => {
  const larger = { ...x, wV: edit(x.wV, (value) => 4 * value) };
  same(tnl(larger, { ...o, eps: 1e-280 }).out, tnl(x, { ...o, eps: 1e-280 / 16 }).out);
});
