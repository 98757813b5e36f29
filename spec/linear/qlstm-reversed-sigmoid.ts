import { flag, gelu, mechanism, relu, scan, sigmoid, sum, table } from "../page.ts";

/**
 * The quasi-LSTM with the state transition of S6: a gated linear recurrence on each feature, whose decay is a sigmoid
 * of minus the forget gate raised to a learned power, which is what the softplus step of Mamba amounts to. Sieber et
 * al. 2024, arXiv:2405.15731; the block is that of proger/hippogriff.
 *
 * $$ [g_t; \hat z_t] = x_t W^{in}, \quad z_t = \sum_{j<K} \kappa_j \odot \hat z_{t-K+1+j} + \beta, \quad
 *    [f_t; i_t; o_t] = z_t W^g + b^g $$
 * $$ \alpha_t = \sigma(-f_t)^{\max(a, 0)} = e^{-\max(a, 0) \operatorname{softplus}(f_t)}, \quad
 *    s_t = \alpha_t \odot s_{t-1} + \sigma(i_t) \odot z_t, \quad
 *    y_t = \bigl(\operatorname{gelu}(g_t) \odot \sigma(o_t) \odot s_t\bigr) W^{out} $$
 *
 * With `reversed` false it is the plain qLSTM: $\alpha_t = \sigma(f_t)$, and $a$ plays no part. The GELU is exact, the
 * convolution has no activation. States are $s$ and the last $K$ rows of $\hat z$, of which the convolution still reads
 * $K - 1$. Cost: $O(T A^2)$ beside the projections.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ.
 */
export const qlstmReversedSigmoid = mechanism({
  id: "linear/qlstm-reversed-sigmoid",
  name: "qLSTM with reversed sigmoid (S6 state transition)",
  paper: "Sieber et al., 2024, arXiv:2405.15731",
  code: "IntelligentControlSystems/dsf-mqar zoology/mixers/lstm.py:qLSTM",
  inputs: {
    x: "T M",
    wIn: "M (2 A)",
    conv: "A K",
    convB: "A = 0",
    wG: "A (3 A)",
    bG: "(3 A) = 0",
    a: " = 1",
    wOut: "A Mo",
    state: "A = 0",
    convState: "K A = 0",
  },
  outputs: { out: "T Mo", state: "A", convState: "K A" },
  options: { reversed: flag(true, "whether the decay is the sigmoid of minus the forget gate, to the power a") },
  properties: [
    { linear: "wOut", outputs: ["out"] },
    { causal: "T", outputs: ["out"] },
    { resumes: "T", states: ["state", "convState"] },
  ],
  run({ x, wIn, conv, convB, wG, bG, a, wOut, state, convState }, { T, M, A, K }, { reversed }) {
    const projected = table([T, 2, A], (t, half, i) => sum(M, (m) => x(t, m) * wIn(m, half, i)));
    const before = (t: number, i: number) => (t < 0 ? convState(K + t, i) : projected(t, 1, i));
    const z = table([T, A], (t, i) => sum(K, (j) => conv(i, j) * before(t - K + 1 + j, i)) + convB(i));
    const gates = table([T, 3, A], (t, gate, i) => sum(A, (j) => z(t, j) * wG(j, gate, i)) + bG(gate, i));
    const decay = (f: number) => (reversed ? sigmoid(-f) ** relu(a()) : sigmoid(f));
    const s = scan(T, table([A], state), (held, t) =>
      table([A], (i) => decay(gates(t, 0, i)) * held(i) + sigmoid(gates(t, 1, i)) * z(t, i)),
    );
    const y = table([T, A], (t, i) => gelu(projected(t, 0, i)) * sigmoid(gates(t, 2, i)) * s(t + 1)(i));
    return {
      out: (t, m) => sum(A, (i) => y(t, i) * wOut(i, m)),
      state: s(T),
      convState: (row, i) => before(T - K + row, i),
    };
  },
});
