import {
  choice,
  flag,
  gelu,
  integer,
  type Matrix,
  mechanism,
  normalCdf,
  real,
  scan,
  sigmoid,
  silu,
  sum,
  table,
  type Vector,
} from "../page.ts";

/**
 * The neural memory of Titans: a network whose weights are the state. Each token moves them against the gradient of
 * how badly they recall its value for its key, with momentum and with forgetting. Behrouz, Zhong and Mirrokni 2025,
 * arXiv:2501.00663.
 *
 * $$ q_t, k_t, v_t = \mathrm{silu}\bigl(\mathrm{conv}(x_t W)\bigr), \ q_t \text{ and } k_t \text{ to length } 1, \quad
 *    \alpha_t, \eta_t = \operatorname{sigmoid}(x_t \cdot w + b), \quad
 *    \theta_t = \theta_{\max} \operatorname{sigmoid}(x_t \cdot w + b) $$
 * $$ S_t = \eta_t S_{t-1} - \theta_t \nabla |M(k_t) - v_t|^2, \qquad W_t = (1 - \alpha_t) W_{t-1} + S_t, \qquad
 *    y_t = M_{W_t}(q_t) $$
 *
 * $M$ is a chain of linear maps with `activation` between them; one matrix is linear attention's state. The loss is a
 * sum over features, not halved and not a mean. The gradient is taken at the weights of the end of the chunk before,
 * chunks being `chunk` tokens long, so at $W_{t-1}$ with `chunk` 1. The convolution runs over each channel's last K
 * tokens, tap K − 1 on the token itself; without one $K = 1$ and the taps are 1. Lengths count as no less than
 * $10^{-12}$. States: the weights `memory`, the momentum `surprise`, the weights gradients are taken at, `reference`,
 * the `position` in the chunk, and the last $K - 1$ tokens, `past`, zeros at first. There is no official code; public
 * reimplementations differ (a mean in the loss, gates for each chunk, reading before the update). Cost: $O(T P)$
 * beside the projections, with $P$ weights.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, the chain of layers does not lead
 * from D to E, or `position` is no place in a chunk.
 */
export const titansNeuralMemory = mechanism({
  id: "linear/titans-neural-memory",
  name: "Titans neural memory",
  paper: "Behrouz, Zhong and Mirrokni, 2025, arXiv:2501.00663",
  ours: "a token is read after its own update, gates are one number a token, SiLU follows the convolution",
  inputs: {
    x: "T M",
    wQ: "M D",
    wK: "M D",
    wV: "M E",
    convQ: "D K",
    convK: "D K",
    convV: "E K",
    wForget: "M",
    bForget: " = 0",
    wMomentum: "M",
    bMomentum: " = 0",
    wStep: "M",
    bStep: " = 0",
    memory: "L of Dl El",
    surprise: "L of Dl El = 0",
    reference: "L of Dl El = memory",
    position: " = 0",
    past: "Kp M = 0",
  },
  outputs: {
    out: "T E",
    memory: "L of Dl El",
    surprise: "L of Dl El",
    reference: "L of Dl El",
    position: "",
    past: "Kp M",
  },
  options: {
    activation: choice(["silu", "gelu"], "what stands between two layers of the memory"),
    chunk: integer(1, "tokens whose gradients are taken at the same weights", { min: 1, max: 1e6, tried: [1, 2, 3] }),
    thetaMax: real(1, "the largest step", { tried: [0.25] }),
    momentum: flag(true, "whether the surprise of tokens before carries on; η is 0 if not"),
    forget: flag(true, "whether the weights decay; α is 0 if not"),
  },
  axes: { Kp: (n) => n.K - 1 },
  mayBeEmpty: ["Kp"],
  tried: { L: [1, 2, 3], D: [1, 3], E: [1, 3], Dl: [1, 3], El: [1, 3], K: [1, 2, 4] },
  domain: { position: { integers: [0, (_, o) => o.chunk - 1] } },
  requires: {
    "the layers of memory must lead from D to E, each as wide as the next one takes": ({ L, D, E, Dl, El }) =>
      Dl[0] === D && El[L - 1] === E && Dl.every((rows, l) => l === 0 || rows === El[l - 1]),
  },
  properties: [
    { causal: "T", outputs: ["out"] },
    { resumes: "T", states: ["memory", "surprise", "reference", "position", "past"] },
  ],
  run(x, n, { activation, chunk, thetaMax, momentum, forget }) {
    const { T, M, D, E, K, Kp, L } = n;
    const token = (t: number, m: number) => (t < Kp ? x.past(t, m) : x.x(t - Kp, m));
    const mixed = (width: number, w: Matrix, taps: Matrix) =>
      table([T, width], (t, d) => silu(sum(K, (j) => taps(d, j) * sum(M, (m) => token(t + j, m) * w(m, d)))));
    const unit = (y: Matrix) => {
      const length = table([T], (t) => Math.max(Math.sqrt(sum(D, (d) => y(t, d) ** 2)), 1e-12));
      return table([T, D], (t, d) => y(t, d) / length(t));
    };
    const q = unit(mixed(D, x.wQ, x.convQ));
    const k = unit(mixed(D, x.wK, x.convK));
    const v = mixed(E, x.wV, x.convV);
    const gate = (w: Vector, b: () => number) => table([T], (t) => sigmoid(sum(M, (m) => x.x(t, m) * w(m)) + b()));
    const alpha = forget ? gate(x.wForget, x.bForget) : () => 0;
    const eta = momentum ? gate(x.wMomentum, x.bMomentum) : () => 0;
    const theta = gate(x.wStep, x.bStep);

    const act = activation === "silu" ? silu : gelu;
    const slope = (z: number) =>
      activation === "silu"
        ? sigmoid(z) * (1 + z * (1 - sigmoid(z)))
        : normalCdf(z) + (z * Math.exp(-(z ** 2) / 2)) / Math.sqrt(2 * Math.PI);
    const rows = (l: number) => n.Dl[l] ?? 0;
    const columns = (l: number) => n.El[l] ?? 0;
    const layers = (f: (l: number, d: number, e: number) => number) =>
      table([L], (l) => table([rows(l), columns(l)], (d, e) => f(l, d, e)));
    type Layers = ReturnType<typeof layers>;
    /** What goes into each layer, and in the end what comes out. */
    const passed = (W: Layers, input: Vector) =>
      scan(L, { z: input, out: input }, (before, l) => {
        const z = table([columns(l)], (e) => sum(rows(l), (d) => before.out(d) * W(l)(d, e)));
        return { z, out: l === L - 1 ? z : table([columns(l)], (e) => act(z(e))) };
      });
    /** The gradient of |M(k) − v|² by every weight, the error passed back from the last layer to the first. */
    const gradient = (W: Layers, k: Vector, v: Vector) => {
      const at = passed(W, k);
      const top = table([E], (e) => 2 * (at(L).out(e) - v(e)));
      const back = scan(L - 1, top, (error, i) => {
        const l = L - 1 - i;
        return table([rows(l)], (d) => slope(at(l).z(d)) * sum(columns(l), (e) => W(l)(d, e) * error(e)));
      });
      return (l: number, d: number, e: number) => at(l).out(d) * back(L - 1 - l)(e);
    };

    const place = (t: number) => (x.position() + t) % chunk;
    const first = { W: layers(x.memory), S: layers(x.surprise), ref: layers(x.reference) };
    const after = scan(T, first, (now, t) => {
      const ref = place(t) === 0 ? now.W : now.ref;
      const g = gradient(
        ref,
        (d) => k(t, d),
        (e) => v(t, e),
      );
      const S = layers((l, d, e) => eta(t) * now.S(l)(d, e) - thetaMax * theta(t) * g(l, d, e));
      return { W: layers((l, d, e) => (1 - alpha(t)) * now.W(l)(d, e) + S(l)(d, e)), S, ref };
    });
    const read = table([T], (t) => passed(after(t + 1).W, (d) => q(t, d))(L).out);
    return {
      out: (t, e) => read(t)(e),
      memory: (l, d, e) => after(T).W(l)(d, e),
      surprise: (l, d, e) => after(T).S(l)(d, e),
      reference: (l, d, e) => after(T).ref(l)(d, e),
      position: () => place(T),
      past: (i, m) => token(T + i, m),
    };
  },
});
