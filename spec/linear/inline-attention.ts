import { choice, flag, gelu, integer, mean, mechanism, relu, sum, table } from "../page.ts";

/**
 * InLine attention: linear attention normalised by subtraction in place of division, which keeps different queries
 * apart, plus a 3 by 3 convolution of the values whose kernels are made from the image's mean. For tokens on a grid.
 * Han et al. 2024, arXiv:2412.06590.
 *
 * $$ A_{t,s} = \frac{1}{T}\bigl(1 + z_{t,s} - \operatorname{mean}_u z_{t,u}\bigr), \quad
 *    z_{t,s} = \frac{q_t \cdot k_s}{\sqrt D} $$
 * $$ o_{t,h} = \sum_s A_{t,s,h}\, v_{s,h} + \sum_{i,j} r_{h,i,j} \odot v_{t + (i-1,\, j-1),\, h} $$
 * $$ r_h = W^2_h \operatorname{gelu}(W^1_h \bar x_h + b^1_h) + b^2_h, \quad
 *    \bar x = \tfrac1T \sum_t x_t, \quad y_t = o_t W^O + b^O $$
 *
 * $q$ and $k$ are $\varphi$ of the projections, $v$ the projection itself; `exp` is $e^{0.2 a}$, `leakyrelu` keeps 0.01
 * of what is negative. The rows of $A$ sum to 1, but entries may be negative. Multiplied out,
 * $o_t = \frac{1}{T\sqrt D} q_t^\top \sum_s k_s v_s^\top + (1 - q_t \cdot \bar k / \sqrt D)\, \bar v$, which takes time
 * linear in $T$. The paper leaves the factor $1/(T \sqrt D)$ to $\varphi$; this page writes it out like the code.
 * $W^1_h$ and $W^2_h$ map the $D$ channels of one head to $D$ and to $9D$, a row for each channel, kernel row and
 * kernel column. Beyond the border the values are 0. Without `local`, or with those weights and biases left out, there
 * is no convolution. The grid has `h` rows and `w` columns, a square if not given; the gelu is the exact one. Cost:
 * $O(T H D^2)$ in the linear form, beside the projections.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, the channels do not divide into
 * heads, or the grid does not hold the tokens.
 */
export const inlineAttention = mechanism({
  id: "linear/inline-attention",
  name: "InLine attention (injective linear attention)",
  paper: "Han et al., 2024, arXiv:2412.06590",
  code: "LeapLabTHU/InLine models/inline_swin.py:InLineAttention",
  inputs: {
    x: "T (H D)",
    wQkv: "(H D) (3 H D)",
    bQkv: "(3 H D) = 0",
    w1: "(H D) D = 0",
    b1: "(H D) = 0",
    w2: "(H D 3 3) D = 0",
    b2: "(H D 3 3) = 0",
    wO: "(H D) Mo",
    bO: "Mo = 0",
  },
  outputs: { out: "T Mo" },
  options: {
    phi: choice(["identity", "relu", "leakyrelu", "exp"], "φ, on each coordinate of queries and keys"),
    local: flag(true, "whether the convolution is added"),
    heads: integer(1, "H, the number of heads", { min: 1, tried: [1, 2] }),
    h: integer((n: { T: number }) => Math.round(Math.sqrt(n.T)), "rows of the grid", { min: 1, tried: [2] }),
    w: integer((n: { T: number }) => Math.round(Math.sqrt(n.T)), "columns of the grid", { min: 1, tried: [3] }),
  },
  axes: { H: (_, o) => o.heads },
  tried: { T: [1, 4, 6], D: [1, 2, 3] },
  requires: { "h times w must be T": (n, o) => o.h * o.w === n.T },
  properties: [
    { linear: ["wO", "bO"] },
    {
      equivariant: "T",
      when: (_, o, given) => !o.local || (!given.w1 && !given.b1 && !given.w2 && !given.b2),
    },
  ],
  run({ x, wQkv, bQkv, w1, b1, w2, b2, wO, bO }, { T, H, D }, { phi, local, h: rows, w: columns }) {
    const kernel = {
      identity: (a: number) => a,
      relu,
      leakyrelu: (a: number) => (a > 0 ? a : 0.01 * a),
      exp: (a: number) => Math.exp(0.2 * a),
    }[phi];
    const all = (f: (g: number, c: number) => number) => sum(H, (g) => sum(D, (c) => f(g, c)));
    const qkv = table([3, T, H, D], (p, t, h, d) => all((g, c) => x(t, g, c) * wQkv(g, c, p, h, d)) + bQkv(p, h, d));
    const [q, k] = [0, 1].map((p) => table([T, H, D], (t, h, d) => kernel(qkv(p, t, h, d))));
    const v = (t: number, h: number, d: number) => qkv(2, t, h, d);

    const score = table([T, T, H], (t, s, h) => sum(D, (d) => q!(t, h, d) * k!(s, h, d)) / Math.sqrt(D));
    const A = table([T, T, H], (t, s, h) => (1 + score(t, s, h) - mean(T, (u) => score(t, u, h))) / T);

    const hidden = table([H, D], (h, a) => gelu(sum(D, (c) => w1(h, a, c) * mean(T, (t) => x(t, h, c))) + b1(h, a)));
    const r = table([H, D, 3, 3], (h, d, i, j) => sum(D, (a) => w2(h, d, i, j, a) * hidden(h, a)) + b2(h, d, i, j));
    const beside = (t: number, i: number, j: number, h: number, d: number) => {
      const [row, column] = [Math.floor(t / columns) + i - 1, (t % columns) + j - 1];
      return row >= 0 && row < rows && column >= 0 && column < columns ? v(row * columns + column, h, d) : 0;
    };
    const convolved = (t: number, h: number, d: number) =>
      sum(3, (i) => sum(3, (j) => r(h, d, i, j) * beside(t, i, j, h, d)));
    const o = table([T, H, D], (t, h, d) => sum(T, (s) => A(t, s, h) * v(s, h, d)) + (local ? convolved(t, h, d) : 0));
    return { out: (t, m) => all((h, d) => o(t, h, d) * wO(h, d, m)) + bO(m) };
  },
});
