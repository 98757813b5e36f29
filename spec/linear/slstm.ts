import { integer, logSigmoid, mechanism, range, scan, sigmoid, sum, table } from "../page.ts";

/**
 * The sLSTM cell of xLSTM: an LSTM whose input gate is an exponential, with a normaliser beside the cell; the heads do
 * not see each other's outputs, so that it mixes features in each of them. Beck et al. 2024, arXiv:2405.04517.
 *
 * $$ [i; f; z; o]_t = x_t W + y_{t-1} R + b, \quad m_t = \max(\ln \sigma(f_t) + m_{t-1},\ i_t), \quad
 *    f'_t = e^{\ln \sigma(f_t) + m_{t-1} - m_t}, \quad i'_t = e^{i_t - m_t} $$
 * $$ c_t = f'_t c_{t-1} + i'_t \tanh z_t, \quad n_t = f'_t n_{t-1} + i'_t, \quad y_t = \sigma(o_t)\, \frac{c_t}{n_t} $$
 *
 * feature by feature; $R$ has a block for each head. As long as $n$ is 0 everywhere, which is before the first token,
 * $m_t = i_t$; $f'$ and $i'$ are at most 1, which then matters. $m$ only keeps the exponentials in range. The forget
 * gate is the code's, a sigmoid; the paper allows an exponential as well. The four gates are slowest in the columns of
 * $W$, $b$ and of each head's $R$. States are `y`, `c`, `n` and `m`; from the zero state $|y| \le 1$. Cost:
 * $O(T H D (M + D))$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or a weight does not divide into
 * heads.
 */
export const slstm = mechanism({
  id: "linear/slstm",
  name: "sLSTM cell (xLSTM)",
  paper: "Beck et al., 2024, arXiv:2405.04517",
  code: "NX-AI/xlstm xlstm/blocks/slstm/src/vanilla/slstm.py:slstm_forward_pointwise",
  inputs: {
    x: "T M",
    w: "M (4 H D)",
    r: "H D (4 D)",
    b: "(4 H D) = 0",
    y: "H D = 0",
    c: "H D = 0",
    n: "H D = 0",
    m: "H D = 0",
  },
  outputs: { out: "T (H D)", y: "H D", c: "H D", n: "H D", m: "H D" },
  options: { heads: integer(1, "H, the number of heads", { min: 1, tried: [1, 2, 3] }) },
  axes: { H: (_, o) => o.heads },
  tried: { D: [1, 2, 3] },
  domain: { n: { usual: [0.5, 3] } },
  properties: [
    { causal: "T", outputs: ["out"] },
    { resumes: "T", states: ["y", "c", "n", "m"] },
  ],
  run({ x, w, r, b, y, c, n, m }, { T, M, H, D }) {
    const units = range(H).flatMap((h) => range(D).map((d) => [h, d] as const));
    const first = { y: table([H, D], y), c: table([H, D], c), n: table([H, D], n), m: table([H, D], m) };
    const states = scan(T, first, (before, t) => {
      const raw = table(
        [4, H, D],
        (gate, h, d) =>
          sum(M, (j) => x(t, j) * w(j, gate, h, d)) + sum(D, (j) => before.y(h, j) * r(h, j, gate, d)) + b(gate, h, d),
      );
      const faded = table([H, D], (h, d) => before.m(h, d) + logSigmoid(raw(1, h, d)));
      const fresh = units.every(([h, d]) => before.n(h, d) === 0);
      const peak = table([H, D], (h, d) => (fresh ? raw(0, h, d) : Math.max(raw(0, h, d), faded(h, d))));
      const input = table([H, D], (h, d) => Math.exp(raw(0, h, d) - peak(h, d)));
      const forget = table([H, D], (h, d) => Math.min(Math.exp(faded(h, d) - peak(h, d)), 1));
      const cell = table([H, D], (h, d) => forget(h, d) * before.c(h, d) + input(h, d) * Math.tanh(raw(2, h, d)));
      const norm = table([H, D], (h, d) => forget(h, d) * before.n(h, d) + input(h, d));
      const output = table([H, D], (h, d) => (sigmoid(raw(3, h, d)) * cell(h, d)) / norm(h, d));
      return { y: output, c: cell, n: norm, m: peak };
    });
    const last = states(T);
    return { out: (t, h, d) => states(t + 1).y(h, d), y: last.y, c: last.c, n: last.n, m: last.m };
  },
});
