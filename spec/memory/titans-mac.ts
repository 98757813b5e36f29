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
 * Titans with memory as context (MAC): a long sequence is read in segments; what a neural memory of the earlier
 * segments returns for a segment, and some learned tokens, are put before it as context for attention, and what
 * attention makes of it is written to the memory. Behrouz et al. 2025, arXiv:2501.00663, §4.1; the memory is that of
 * §3.1.
 *
 * $$ h_i = \mathcal M_{W}(\kappa(x_i W^{Q'})), \quad
 *    y = \operatorname{Attn}\bigl([p_1 \dots p_{T_p};\, h;\, x]\bigr), \quad
 *    o_i = y_i \odot \mathcal M_{W_i}(y_i), \quad
 *    \kappa(u) = \frac{\operatorname{silu}(u)}{\max(|\operatorname{silu}(u)|, 10^{-12})} $$
 * $$ W_i = (1 - \alpha_i) W_{i-1} + S_i, \quad
 *    S_i = \eta_i S_{i-1} - \theta_i \nabla_{W_{i-1}}
 *    \bigl| \mathcal M_{W_{i-1}}(\kappa(y_i W^{K'})) - \operatorname{silu}(y_i W^{V'}) \bigr|^2 $$
 *
 * $W$ in the first line is the memory at the end of the segment before. $\mathcal M$ is a chain of $L$ matrices from
 * width $M$ to $M$ with SiLU between them; $L = 1$ is a linear memory. α, η and θ are sigmoids of maps of $y_i$, θ
 * times `thetaMax`; the update is token by token. That memory has a page of its own, `linear/titans-neural-memory`,
 * with convolutions and chunks, left out here. Attention is causal with several heads, and only the rows of $x$ are
 * kept: $x_i$ sees every $p$, the $x$ of its segment up to itself and, of $h$, which is made from them, the same
 * places. With `strict` off it sees all $h$ of its segment and is answered from the weights at the segment's end, as
 * the paper has it, whence later tokens leak into earlier ones. `read` `none` leaves $h$ out. The last segment may be
 * shorter. `memory` ($W$) and `surprise` ($S$) come out and can be carried on after a whole number of segments. So are
 * norms and residuals of the model. No official code is public, and the best-known third-party code builds another
 * block. Cost: $O(T (T_p + \mathtt{segment}) M + T P)$ with $P$ weights in the memory.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ a weight does not divide into heads,
 * or the layers of `memory` do not lead from $M$ to $M$.
 */
export const titansMac = mechanism({
  id: "memory/titans-mac",
  name: "Titans, memory as context (MAC)",
  paper: "Behrouz et al., 2025, arXiv:2501.00663",
  ours: "SiLU between the layers of the memory, a shorter last segment, and what strict lets a token see",
  inputs: {
    x: "T M",
    p: "Tp M = none",
    wQ: "M (H D)",
    wK: "M (H D)",
    wV: "M (H E)",
    wO: "(H E) M",
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
  outputs: { out: "T M", memory: "L of Dl El", surprise: "L of Dl El" },
  options: {
    heads: integer(1, "H, the number of heads", { min: 1, tried: [1, 2] }),
    segment: integer(Infinity, "C, how many tokens a segment has", { min: 1, tried: [1, 2, 3] }),
    strict: flag(true, "whether no token is affected by later ones of its segment"),
    read: choice(["memory", "none"], "whether what the memory returns is put before the segment"),
    thetaMax: real(1, "the largest step θ", { min: 0, tried: [0, 0.25] }),
  },
  axes: { H: (_, o) => o.heads },
  mayBeEmpty: ["Tp"],
  requires: {
    "the layers of memory must lead from M to M, each as wide as the next one takes": ({ L, M, Dl, El }) =>
      Dl[0] === M && El[L - 1] === M && Dl.every((width, l) => l === 0 || width === El[l - 1]),
  },
  tried: { T: [1, 2, 4], L: [1, 2, 3], M: [1, 2], D: [1, 2], E: [1, 2], Dl: [1, 2], El: [1, 2] },
  domain: { memory: { usual: [-1, 1] }, surprise: { usual: [-0.5, 0.5] } },
  properties: [
    { causal: "T", outputs: ["out"], when: (_, o) => o.strict },
    { resumes: "T", states: ["memory", "surprise"], when: (_, o) => o.segment === 1 },
    { unordered: "Tp" },
  ],
  run(x, { T, Tp, M, H, D, E, L, Dl, El }, { segment, strict, read, thetaMax }) {
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
    const learnt = (before: { W: Layers; S: Layers }, y: Vector) => {
      const [alpha, eta] = [gate(x.wForget, x.bForget, y), gate(x.wMomentum, x.bMomentum, y)];
      const theta = thetaMax * gate(x.wStep, x.bStep, y);
      const slopes = gradient(before.W, unit(mapped(x.wKMem, y)), mapped(x.wVMem, y));
      const S = layers((l, i, j) => eta * before.S(l)(i, j) - theta * slopes(l)(i, j));
      return { W: layers((l, i, j) => (1 - alpha) * before.W(l)(i, j) + S(l)(i, j)), S };
    };

    const recall = (W: Layers, ask: Vector) => passed(W, ask)(L);
    const attend = (size: number, h: (i: number, m: number) => number, s: (i: number, m: number) => number) => {
      const Th = read === "memory" ? size : 0;
      const places = Tp + Th + size;
      const c = table([places, M], (j, m) => (j < Tp ? x.p(j, m) : j < Tp + Th ? h(j - Tp, m) : s(j - Tp - Th, m)));
      const q = table([size, H, D], (i, a, d) => sum(M, (m) => s(i, m) * x.wQ(m, a, d)));
      const k = table([places, H, D], (j, a, d) => sum(M, (m) => c(j, m) * x.wK(m, a, d)));
      const v = table([places, H, E], (j, a, e) => sum(M, (m) => c(j, m) * x.wV(m, a, e)));
      const seen = (i: number) => [
        ...range(strict ? Tp + Math.min(i + 1, Th) : Tp + Th),
        ...range(Tp + Th, Tp + Th + i + 1),
      ];
      const weights = table([size, H], (i, a) =>
        softmax(seen(i), (j) => sum(D, (d) => q(i, a, d) * k(j, a, d)) / Math.sqrt(D)),
      );
      const o = table([size, H, E], (i, a, e) => sum(weights(i, a), (j, w) => w * v(j, a, e)));
      return table([size], (i) => table([M], (m) => sum(H, (a) => sum(E, (e) => o(i, a, e) * x.wO(a, e, m)))));
    };

    const length = Math.min(segment, T);
    const first = {
      W: layers(x.memory),
      S: layers(x.surprise),
      out: (_i: number, _m: number) => 0,
    };
    const after = scan(Math.ceil(T / length), first, (before, c) => {
      const size = Math.min(length, T - c * length);
      const s = table([size], (i) => table([M], (m) => x.x(c * length + i, m)));
      const h = table([size], (i) => recall(before.W, unit(mapped(x.wQMem, s(i)))));
      const y = attend(
        size,
        (i, m) => h(i)(m),
        (i, m) => s(i)(m),
      );
      const states = scan(size, { W: before.W, S: before.S }, (state, i) => learnt(state, y(i)));
      const answer = table([size], (i) => recall(states(strict ? i + 1 : size).W, y(i)));
      return { ...states(size), out: (i: number, m: number) => y(i)(m) * answer(i)(m) };
    });
    const end = after(Math.ceil(T / length));
    return {
      out: (t, m) => after(Math.floor(t / length) + 1).out(t % length, m),
      memory: (l, i, j) => end.W(l)(i, j),
      surprise: (l, i, j) => end.S(l)(i, j),
    };
  },
});
