import {
  choice,
  flag,
  integer,
  mechanism,
  range,
  real,
  scan,
  sigmoid,
  silu,
  softmax,
  sum,
  table,
  type Vector,
} from "../page.ts";

/**
 * Titans with memory as a gate (MAG): sliding-window attention and a neural memory, which goes on learning, read the
 * same tokens side by side, and the memory gates what attention found. Also memory as a layer (MAL), where attention
 * reads what the memory returns. Learned tokens stand before the sequence. Behrouz et al. 2025, arXiv:2501.00663, §4.2
 * and §4.3; the memory is that of §3.1.
 *
 * $$ \tilde x = [p_1 \dots p_{T_p};\, x], \quad
 *    r_t = \mathcal M_{W_t}(\kappa(\tilde x_t W^{Q'})), \quad
 *    o = (g^y \odot \operatorname{SWA}(\tilde x)) \odot \operatorname{sigmoid}(g^r \odot r)
 *    \;\text{ or }\; o = \operatorname{SWA}(r) $$
 * $$ W_t = (1 - \alpha_t) W_{t-1} + S_t, \quad
 *    S_t = \eta_t S_{t-1} - \theta_t \nabla_{W_{t-1}}
 *    \bigl| \mathcal M_{W_{t-1}}(\kappa(\tilde x_t W^{K'})) - \operatorname{silu}(\tilde x_t W^{V'}) \bigr|^2, \quad
 *    \kappa(u) = \frac{\operatorname{silu}(u)}{\max(|\operatorname{silu}(u)|, 10^{-12})} $$
 *
 * $\mathcal M$ is a chain of $L$ matrices from width $M$ to $M$ with SiLU between them; $L = 1$ is a linear memory. α,
 * η and θ are sigmoids of maps of $\tilde x_t$, θ times `thetaMax`; the update is token by token, and a token is
 * answered after it was written. That memory has a page of its own, `linear/titans-neural-memory`, with convolutions
 * and chunks, left out here. Attention is causal with several heads; a token sees the `window` last tokens, itself
 * included, and in MAG every $p$ beside them. In MAL the paper has no such prefix: what the memory returned for $p$
 * leaves the window like the rest. Only the rows of $x$ come out. The state is `memory` ($W$), `surprise` ($S$) and
 * `past`, the rows before $x$ that attention can still see (tokens in MAG, answers of the memory in MAL): to go on,
 * give all three with `resumed`, so that $p$ is not written again. Norms and residuals of the model are left out. No
 * official code is public. Cost: $O(T (T_p + \mathtt{window}) M + (T_p + T) P)$ with $P$ weights in the memory.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, a weight does not divide into heads,
 * `past` is given without `resumed`, $g$ in MAL, or the layers of `memory` do not lead from $M$ to $M$.
 */
export const titansMag = mechanism({
  id: "memory/titans-mag",
  name: "Titans, memory as a gate (MAG) and as a layer (MAL)",
  paper: "Behrouz et al., 2025, arXiv:2501.00663",
  ours: "where vectors and sigmoid stand in the gate, and SiLU between the layers of the memory",
  inputs: {
    x: "T M",
    p: "Tp M = none",
    past: "Tb M = none",
    wQ: "M (H D)",
    wK: "M (H D)",
    wV: "M (H E)",
    wO: "(H E) M",
    gY: "M = 1",
    gR: "M = 1",
    wQMem: "M M",
    wKMem: "M M",
    wVMem: "M M",
    wForget: "M",
    wMomentum: "M",
    wStep: "M",
    bForget: " = 0",
    bMomentum: " = 0",
    bStep: " = 0",
    memory: "L of Dl El",
    surprise: "L of Dl El = 0",
  },
  outputs: { out: "T M", memory: "L of Dl El", surprise: "L of Dl El", past: "Tn M" },
  options: {
    variant: choice(["mag", "mal"], "the memory as a gate beside attention, or as a layer before it"),
    heads: integer(1, "H, the number of heads", { min: 1, tried: [1, 2] }),
    window: integer(Infinity, "how many tokens a token sees, itself included", { min: 1, tried: [1, 2, 3] }),
    resumed: flag(false, "whether the memory has read p and past already"),
    thetaMax: real(1, "the largest step θ", { min: 0, tried: [0, 0.25] }),
  },
  axes: {
    H: (_, o) => o.heads,
    Tn: (n: { T: number; Tp: number; Tb: number }, o) =>
      Math.min(o.window - 1, n.Tb + (o.variant === "mal" && !o.resumed ? n.Tp : 0) + n.T),
  },
  mayBeEmpty: ["Tp", "Tb"],
  tried: { T: [1, 2, 4], L: [1, 2, 3], M: [1, 2], D: [1, 2], E: [1, 2], Dl: [1, 2], El: [1, 2] },
  domain: { memory: { usual: [-1, 1] }, surprise: { usual: [-0.5, 0.5] } },
  requires: {
    "the layers of memory must lead from M to M, each as wide as the next one takes": ({ L, M, Dl, El }) =>
      Dl[0] === M && El[L - 1] === M && Dl.every((width, l) => l === 0 || width === El[l - 1]),
    "past needs resumed": (_, o, given) => o.resumed || !given.past,
    "variant mal has no gY and gR": (_, o, given) => o.variant === "mag" || !(given.gY || given.gR),
  },
  properties: [
    { causal: "T", outputs: ["out"] },
    { resumes: "T", states: ["memory", "surprise", "past"], when: (_, o) => o.resumed },
    { linear: "wO", outputs: ["out"] },
    { linear: "wV", outputs: ["out"] },
  ],
  run(x, { T, Tp, Tb, Tn, M, H, D, E, L, Dl, El }, { variant, window, resumed, thetaMax }) {
    const act = (l: number, u: number) => (l ? silu(u) : u);
    const slope = (u: number) => sigmoid(u) * (1 + u * (1 - sigmoid(u)));
    const rows = (l: number) => Dl[l] ?? 0;
    const columns = (l: number) => El[l] ?? 0;
    const layers = (f: (l: number, i: number, j: number) => number) =>
      table([L], (l) => table([rows(l), columns(l)], (i, j) => f(l, i, j)));
    type Layers = ReturnType<typeof layers>;
    const passed = (W: Layers, ask: Vector) =>
      scan(L, ask, (u, l) => table([columns(l)], (j) => sum(rows(l), (i) => act(l, u(i)) * W(l)(i, j))));
    const gradient = (W: Layers, key: Vector, value: Vector) => {
      const u = passed(W, key);
      const error = table([M], (j) => 2 * (u(L)(j) - value(j)));
      const back = scan(L, error, (after, step) => {
        const l = L - 1 - step;
        return table([rows(l)], (i) => slope(u(l)(i)) * sum(columns(l), (j) => W(l)(i, j) * after(j)));
      });
      return layers((l, i, j) => act(l, u(l)(i)) * back(L - 1 - l)(j));
    };
    const mapped = (w: typeof x.wQMem, row: Vector) => table([M], (j) => silu(sum(M, (m) => row(m) * w(m, j))));
    const unit = (row: Vector) => {
      const length = Math.max(Math.sqrt(sum(M, (m) => row(m) ** 2)), 1e-12);
      return table([M], (m) => row(m) / length);
    };
    const gate = (w: Vector, b: () => number, row: Vector) => sigmoid(sum(M, (m) => row(m) * w(m)) + b());

    const before = resumed ? 0 : Tp;
    const token = table([before + T], (t) => table([M], (m) => (t < before ? x.p(t, m) : x.x(t - before, m))));
    const start = { W: layers(x.memory), S: layers(x.surprise) };
    const state = scan(before + T, start, ({ W, S }, t) => {
      const [alpha, eta] = [gate(x.wForget, x.bForget, token(t)), gate(x.wMomentum, x.bMomentum, token(t))];
      const theta = thetaMax * gate(x.wStep, x.bStep, token(t));
      const slopes = gradient(W, unit(mapped(x.wKMem, token(t))), mapped(x.wVMem, token(t)));
      const next = layers((l, i, j) => eta * S(l)(i, j) - theta * slopes(l)(i, j));
      return { W: layers((l, i, j) => (1 - alpha) * W(l)(i, j) + next(l)(i, j)), S: next };
    });
    const r = table([before + T], (t) => passed(state(t + 1).W, unit(mapped(x.wQMem, token(t))))(L));

    const prefix = variant === "mag" ? Tp : 0;
    const fresh = variant === "mag" ? (j: number) => token(before + j) : r;
    const past = (j: number): Vector => (j < Tb ? (m) => x.past(j, m) : fresh(j - Tb));
    const places = prefix + Tb + (variant === "mag" ? T : before + T);
    const row = table([places], (j): Vector => (j < prefix ? (m) => x.p(j, m) : past(j - prefix)));
    const projected = (w: typeof x.wQ, width: number) =>
      table([places], (j) => table([H, width], (a, d) => sum(M, (m) => row(j)(m) * w(m, a, d))));
    const [q, k, v] = [projected(x.wQ, D), projected(x.wK, D), projected(x.wV, E)];
    const visible = (i: number) => range(places).filter((j) => j <= i && (j < prefix || i - j < window));
    const weights = table([T, H], (t, a) => {
      const i = places - T + t;
      return softmax(visible(i), (j) => sum(D, (d) => q(i)(a, d) * k(j)(a, d)) / Math.sqrt(D));
    });
    const o = table([T, H, E], (t, a, e) => sum(weights(t, a), (j, w) => w * v(j)(a, e)));
    const y = (t: number, m: number) => sum(H, (a) => sum(E, (e) => o(t, a, e) * x.wO(a, e, m)));
    const gated = (t: number, m: number) => y(t, m) * x.gY(m) * sigmoid(r(before + t)(m) * x.gR(m));
    return {
      out: variant === "mag" ? gated : y,
      memory: (l, i, j) => state(before + T).W(l)(i, j),
      surprise: (l, i, j) => state(before + T).S(l)(i, j),
      past: (j, m) => row(places - Tn + j)(m),
    };
  },
});
