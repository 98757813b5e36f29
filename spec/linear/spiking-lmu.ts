import { integer, maximum, mechanism, real, scan, sum, table } from "../page.ts";
import { legendreStep } from "./legendre-memory-unit.ts";

/**
 * The spiking Legendre memory unit of LMUFormer: as `linear/legendre-memory-unit`, but what enters the memory, what is
 * read from it and what comes out are spikes of leaky integrate-and-fire neurons, one for each channel, whose time is
 * the order of the tokens. Liu et al. 2024, arXiv:2402.04882.
 *
 * $$ u_t = \operatorname{LIF}\bigl(\operatorname{BN}_u(x_t \cdot w^u + b^u)\bigr), \quad
 *    m_t = \bar A m_{t-1} + \bar B u_t, \quad r_t = \operatorname{LIF}\bigl(\operatorname{BN}_m(m_t)\bigr), \quad
 *    y_t = \operatorname{LIF}\bigl(\operatorname{BN}_h([r_t; x_t] W^h + b^h)\bigr) $$
 * $$ \operatorname{LIF}(I)_t = [V_t \ge \vartheta], \quad V_t = \bar V_{t-1} + \frac{I_t - \bar V_{t-1}}{\tau}, \quad
 *    \bar V_t = [V_t < \vartheta]\, V_t $$
 *
 * A neuron that spikes starts again at 0, as does every neuron at the first token. $\bar A$ and $\bar B$ are those of
 * the unit without spikes; in the model the order $N$ is $2M$. The code's step for one token leaves out the neurons on
 * the memory; this page follows its pass over the sequence. Its neurons are spikingjelly's, with decaying input and
 * hard reset. BN is inference with stored statistics: the rows of `bnU`, `bnM` and `bnH` are weight, bias, mean and
 * variance. States are the memory `state` and the voltages. Cost: $O(T N^2 + T (N + M) A)$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or a variance is negative.
 */
export const spikingLmu = mechanism({
  id: "linear/spiking-lmu",
  name: "Spiking Legendre memory unit of LMUFormer",
  paper: "Liu et al., 2024, arXiv:2402.04882",
  code: "zeyuliu1037/LMUFormer src/blocks/lmu_cell.py:SpikingLMUFFTCell",
  inputs: {
    x: "T M",
    wU: "M 1",
    bU: "1 = 0",
    wH: "Nm A",
    bH: "A = 0",
    bnU: "4 1",
    bnM: "4 N",
    bnH: "4 A",
    state: "N = 0",
    voltageU: "1 = 0",
    voltageM: "N = 0",
    voltageH: "A = 0",
  },
  outputs: { out: "T A", state: "N", voltageU: "1", voltageM: "N", voltageH: "A" },
  options: {
    m: integer((n: { M: number }) => 2 * n.M, "N, the order of the memory", { min: 1, tried: [1, 2, 4] }),
    theta: real(128, "θ, the window in tokens", { above: 0, tried: [3, 20] }),
    tau: real(2, "τ, tokens in which the charge decays", { min: 1, tried: [1, 1.5, 4] }),
    threshold: real(1, "the voltage from which a neuron spikes", { above: 0, tried: [0.25] }),
    eps: real(1e-5, "ε of the batch norms", { above: 0, tried: [0.5] }),
  },
  axes: { N: (_, o) => o.m, Nm: (n) => n.N + n.M },
  tried: { M: [1, 2, 3] },
  domain: { bnU: { usual: [0.25, 3] }, bnM: { usual: [0.25, 3] }, bnH: { usual: [0.25, 3] } },
  expects: {
    "the last row of bnU, bnM and bnH holds variances, which must not be negative": ({ bnU, bnM, bnH }, { N, A }) =>
      bnU(3, 0) >= 0 && maximum(N, (i) => -bnM(3, i)) <= 0 && maximum(A, (i) => -bnH(3, i)) <= 0,
  },
  properties: [
    { causal: "T", outputs: ["out"] },
    { resumes: "T", states: ["state", "voltageU", "voltageM", "voltageH"] },
  ],
  run(
    { x, wU, bU, wH, bH, bnU, bnM, bnH, state, voltageU, voltageM, voltageH },
    { T, M, N, A },
    { theta, tau, threshold, eps },
  ) {
    const neurons = (count: number, first: typeof state, bn: typeof bnM, current: (t: number, i: number) => number) => {
      const input = table(
        [T, count],
        (t, i) => (bn(0, i) * (current(t, i) - bn(2, i))) / Math.sqrt(bn(3, i) + eps) + bn(1, i),
      );
      const charged = (before: typeof state, t: number, i: number) => before(i) + (input(t, i) - before(i)) / tau;
      const voltage = scan(T, table([count], first), (before, t) =>
        table([count], (i) => (charged(before, t, i) >= threshold ? 0 : charged(before, t, i))),
      );
      const spike = table([T, count], (t, i) => (charged(voltage(t), t, i) >= threshold ? 1 : 0));
      return { spike, voltage: voltage(T) };
    };
    const step = legendreStep(N, theta);
    const u = neurons(1, voltageU, bnU, (t) => sum(M, (m) => x(t, m) * wU(m, 0)) + bU(0));
    const memory = scan(T, table([N], state), (before, t) =>
      table([N], (i) => sum(N, (j) => step(i, j) * before(j)) + step(i, N) * u.spike(t, 0)),
    );
    const read = neurons(N, voltageM, bnM, (t, i) => memory(t + 1)(i));
    const y = neurons(
      A,
      voltageH,
      bnH,
      (t, a) => sum(N, (i) => read.spike(t, i) * wH(i, a)) + sum(M, (m) => x(t, m) * wH(N + m, a)) + bH(a),
    );
    return { out: y.spike, state: memory(T), voltageU: u.voltage, voltageM: read.voltage, voltageH: y.voltage };
  },
});
