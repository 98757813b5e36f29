import { lightningAttention } from "../../../spec/linear/lightning-attention.ts";
import { lightningAttentionMinimax as minimax } from "../../../spec/linear/lightning-attention-minimax.ts";
import { at, cases, edit, example, law, refuses, same, specify, tensor } from "../../kit.ts";

specify(minimax);

const total = (length: number, f: (i: number) => number) =>
  Array.from({ length }, (_, i) => f(i)).reduce((a, b) => a + b, 0);
const list = <V>(length: number, f: (i: number) => V) => Array.from({ length }, (_, i) => f(i));
const blank = (H: number) => ({
  x: [[0]],
  wQkv: [list(3 * H, () => 1)],
  wGate: [list(H, () => 1)],
  wO: list(H, () => [1]),
  state: list(H, () => [[1]]),
});
const slope = (H: number, h: number) => 2 ** ((-8 * (h + 1)) / H);
example("by default 32 heads of the first layer, with slopes from 2^(−1/4) to 2^(−8)", minimax, blank(32), {
  out: [[0]],
  state: list(32, (h) => [[Math.exp(-slope(32, h) * (1 + 1e-5))]]),
});
example(
  "the last of 32 layers hardly fades: slopes of 1/16 and 1/256 times 1/100000 and as much again over 31",
  minimax,
  blank(2),
  { state: list(2, (h) => [[Math.exp(-slope(2, h) * (1e-5 / (31 + 1e-5) + 1e-5))]]) },
  { heads: 2, layer: 31 },
);
example(
  "slopes of TransNormer, layer 1 of 4: 0 and 3",
  minimax,
  blank(2),
  { state: [[[1]], [[Math.exp(-3)]]] },
  { heads: 2, layer: 1, layers: 4, slopes: "transnormer" },
);
const ln3 = Math.log(3);
example(
  "SiLU on queries, keys and values, a norm over both heads (300 and 400), gates of ½ and ¾, a gain",
  minimax,
  {
    x: [[1]],
    wQkv: [[1, 10, 300, 1, 10, 400].map((v) => 100 * v)],
    wGate: [[0, ln3]],
    norm: [1, 2],
    wO: [
      [1, 0],
      [0, 1],
    ],
  },
  { out: [[0.3 * Math.SQRT2, 1.2 * Math.SQRT2]] },
  { heads: 2 },
);
example(
  "the default ε of 10⁻⁶ halves a mean square of 10⁻⁶; without a mask the token reads what is left",
  minimax,
  {
    x: [[1]],
    wQkv: [[1000, 0, 0]],
    wGate: [[0]],
    wO: [[Math.SQRT2]],
    state: [[[1e-6 * Math.exp(2 ** -8 * (1 + 1e-5))]]],
  },
  { out: [[0.5]] },
  { heads: 1 },
);
example(
  "a hidden token neither writes nor reads, but the state fades",
  minimax,
  { x: [[1]], wQkv: [[1000, 1000, 1000]], wGate: [[0]], wO: [[1]], mask: [0], state: [[[1]]] },
  { out: [[0]], state: [[[Math.exp(-(2 ** -8) * (1 + 1e-5))]]] },
  { heads: 1 },
);
refuses(
  "layer must be less than layers",
  minimax,
  { x: [[1]], wQkv: [[1, 1, 1]], wGate: [[1]], wO: [[1]] },
  { heads: 1, layer: 4, layers: 4 },
);

law("is lightning attention of the SiLU features, a norm and a gate", cases(minimax), ({ x, n, o }) => {
  const silu = (z: number) => z / (1 + Math.exp(-z));
  const part = (place: number) =>
    tensor([n.H, n.T, n.D], (h, t, d) => {
      const column = (h * 3 + place) * n.D + d;
      return (x.mask ? at(x.mask, t) : 1) * silu(total(n.M, (m) => at(x.x, t, m) * at(x.wQkv, m, column)));
    });
  const depth = 1 - o.layer / (o.layers - 1 + 1e-5) + 1e-5;
  const slopes = tensor([n.H], (h) =>
    o.slopes === "minimax" ? slope(n.H, h) * depth : ((8 * h) / n.H) * (1 - o.layer / o.layers),
  );
  const read = lightningAttention({
    q: part(0),
    k: part(1),
    v: part(2),
    slope: slopes,
    ...(x.state && { state: x.state }),
  });
  const size = (t: number) =>
    Math.sqrt(total(n.H, (h) => total(n.D, (d) => at(read.out, h, t, d) ** 2)) / (n.H * n.D) + o.eps);
  const y = edit(read.out, (value, h, t, d) => {
    const column = h * n.D + d;
    const gate = total(n.M, (m) => at(x.x, t, m) * at(x.wGate, m, column));
    return ((x.norm ? at(x.norm, column) : 1) * value) / size(t) / (1 + Math.exp(-gate));
  });
  const actual = minimax(x, o);
  same(actual.state, read.state);
  same(
    actual.out,
    tensor([n.T, n.Mo], (t, m) => total(n.H, (h) => total(n.D, (d) => at(y, h, t, d) * at(x.wO, h * n.D + d, m)))),
  );
});
