import {
  choice,
  clamp,
  flag,
  gelu,
  integer,
  layerNorm,
  type Matrix,
  mechanism,
  range,
  real,
  softmax,
  sum,
  table,
} from "../page.ts";

/** The rows found so far, and each row as the network last read it. */
interface State {
  readonly x: Matrix;
  readonly seen: Matrix;
}

/**
 * Inversion of a causal affine block, as in sampling from TarFlow: the forward map
 * $z_t = e^{-s_{t-1}} (x_t - u_{t-1})$, $z_0 = x_0$, with $(s, u)$ from a causal transformer of $x$, is solved for $x$
 * row by row (`GS`, exact), all rows at once and repeatedly (`J`), or in modules of rows, one after the other (`GSJ`).
 * Liu and Qin 2025, arXiv:2505.12849; TarFlow is Zhai et al. 2024, arXiv:2412.06329.
 *
 * $$ x_0 = z_0, \quad x_{t} \leftarrow \operatorname{clamp}\bigl(e^{s_{t-1}(x_{<t})}\, z_{t} + u_{t-1}(x_{<t})\bigr) \quad
 *    \text{until } \lVert x' - x \rVert / C \le \varepsilon \text{ or } k_{\max} \text{ times} $$
 * $$ h = x W^{in} + b^{in} + \mathrm{pos}, \quad h \mathrel{+}= \mathrm{MHA}(\mathrm{LN}_1 h), \quad
 *    h \mathrel{+}= \mathrm{gelu}(\mathrm{LN}_2(h)\, W_1 + b_1) W_2 + b_2, \quad [s; u] = h W^{out} + b^{out} $$
 *
 * Module $g$ of $J = T/G$ rows reads rows $gJ$ to $(g+1)J - 1$ and sets the row after each. `GS` is modules of one row,
 * once, without clamp or start; `J` is one module. `J` clamps row 0 too, `GSJ` does not. What later modules attend to
 * is a row as its own module last *read* it, one step before its final value: that is what the code caches, and it
 * matters when $k_{\max}$ cuts the iteration short. Without clamp $k$ steps of `J` make rows 0 to $k$ exact. The code
 * stops a batch together, by the distance over the whole batch; here each member stops by itself. With `guidance`
 * $\gamma$, $s$ and $u$ move away from those of a second pass with `freeEmbedding` in place of `classEmbedding` and
 * scores divided by `attnTemp`: $s + \gamma_t (s - s^{free})$; `annealed` is $\gamma_t = \gamma (t+1)/(T-1)$ for the
 * row $t$ that makes row $t + 1$. LN has ε $10^{-5}$, scores are over $\sqrt D$. Cost: $O(L\,T^2 M)$ beside the
 * projections a step.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or $G$ does not cut $T$ into modules.
 */
export const gaussSeidelJacobiCausalInversion = mechanism({
  id: "core/gauss-seidel-jacobi-causal-inversion",
  name: "Gauss–Seidel–Jacobi inversion of a causal affine block",
  paper: "Liu and Qin, 2025, arXiv:2505.12849",
  code: "encoreus/GS-Jacobi_for_TarFlow GS_Jacobi_sampling.py:MetaBlock.reverse",
  inputs: {
    z: "T C",
    wIn: "C M",
    bIn: "M",
    pos: "T M",
    ln1G: "L M",
    ln1B: "L M",
    wQkv: "L M (3 H D)",
    bQkv: "L (3 H D)",
    wO: "L (H D) M",
    bO: "L M",
    ln2G: "L M",
    ln2B: "L M",
    w1: "L M F",
    b1: "L F",
    w2: "L F M",
    b2: "L M",
    wOut: "M (2 C)",
    bOut: "(2 C)",
    classEmbedding: "M = 0",
    freeEmbedding: "M = 0",
  },
  outputs: { x: "T C" },
  options: {
    mode: choice(["J", "GS", "GSJ"], "all rows at once, one by one, or in modules"),
    heads: integer(1, "H, the number of heads", { min: 1, tried: [1, 2] }),
    G: integer(1, "the number of modules in GSJ", { min: 1, tried: [2, 3] }),
    kMax: integer(100, "steps of a module at most", { min: 1, tried: [1, 2] }),
    tolerance: real(1e-8, "ε, the distance a step may move to be the last", { min: 0, tried: [0] }),
    clamp: real(3, "the largest magnitude after a step of J and GSJ", {
      above: 0,
      tried: [1, Number.POSITIVE_INFINITY],
    }),
    init: choice(["z", "zero"], "where rows start, the first always at z"),
    guidance: real(0, "γ, how far to move from the pass without class", { min: 0, tried: [0.5] }),
    annealed: flag(false, "γ grows along the rows"),
    guideWhat: choice(["ac", "a", "c"], "whether s (a), u (c) or both are guided"),
    attnTemp: real(1, "the divisor of the scores in the pass without class", { above: 0, tried: [2] }),
  },
  axes: { H: (_, o) => o.heads },
  tried: { T: [1, 3, 4, 4, 6], L: [1, 2], C: [1, 2], M: [1, 2, 3], D: [1, 2], F: [1, 2] },
  domain: {
    z: { usual: [-2, 2] },
    wIn: { usual: [-0.5, 0.5] },
    wQkv: { usual: [-0.5, 0.5] },
    wO: { usual: [-0.25, 0.25] },
    w1: { usual: [-0.5, 0.5] },
    w2: { usual: [-0.25, 0.25] },
    wOut: { usual: [-0.25, 0.25] },
    bOut: { usual: [-0.5, 0.5] },
    ln1G: { usual: [-1, 1] },
    ln1B: { usual: [-1, 1] },
    ln2G: { usual: [-1, 1] },
    ln2B: { usual: [-1, 1] },
    bO: { usual: [-1, 1] },
    b2: { usual: [-1, 1] },
    pos: { usual: [-1, 1] },
    bIn: { usual: [-1, 1] },
    classEmbedding: { usual: [-1, 1] },
    freeEmbedding: { usual: [-1, 1] },
  },
  requires: {
    "in mode GSJ, G must divide T with 1 < G < T": (n, o) =>
      o.mode !== "GSJ" || (n.T % o.G === 0 && 1 < o.G && o.G < n.T),
  },
  properties: [{ causal: "T", when: (_, o) => o.mode === "GS" && !o.annealed }],
  run(
    { z, wIn, bIn, pos, ln1G, ln1B, wQkv, bQkv, wO, bO, ln2G, ln2B, w1, b1, w2, b2, wOut, bOut, ...embedding },
    { T, C, M, H, D, L, F },
    { mode, G, kMax, tolerance, clamp: limit, init, guidance, annealed, guideWhat, attnTemp },
  ) {
    const normed = (n: number, h: Matrix, gain: Matrix, shift: Matrix, l: number) => {
      const unit = table([n], (t) => layerNorm(M, (m) => h(t, m), 1e-5));
      return table([n, M], (t, m) => unit(t)(m) * gain(l, m) + shift(l, m));
    };
    const attended = (n: number, h: Matrix, l: number, temperature: number) => {
      const a = normed(n, h, ln1G, ln1B, l);
      const qkv = table([n, 3, H, D], (t, p, i, d) => sum(M, (m) => a(t, m) * wQkv(l, m, p, i, d)) + bQkv(l, p, i, d));
      const score = (t: number, s: number, i: number) => sum(D, (d) => qkv(t, 0, i, d) * qkv(s, 1, i, d));
      const weights = table([n, H], (t, i) => softmax(t + 1, (s) => score(t, s, i) / (Math.sqrt(D) * temperature)));
      const o = table([n, H, D], (t, i, d) => sum(weights(t, i), (s, w) => w * qkv(s, 2, i, d)));
      return table([n, M], (t, m) => h(t, m) + sum(H, (i) => sum(D, (d) => o(t, i, d) * wO(l, i, d, m))) + bO(l, m));
    };
    const fed = (n: number, h: Matrix, l: number) => {
      const a = normed(n, h, ln2G, ln2B, l);
      const hidden = table([n, F], (t, f) => gelu(sum(M, (m) => a(t, m) * w1(l, m, f)) + b1(l, f)));
      return table([n, M], (t, m) => h(t, m) + sum(F, (f) => hidden(t, f) * w2(l, f, m)) + b2(l, m));
    };
    const network = (n: number, y: Matrix, embedded: (m: number) => number, temperature: number) => {
      const first: Matrix = table(
        [n, M],
        (t, m) => sum(C, (c) => y(t, c) * wIn(c, m)) + bIn(m) + pos(t, m) + embedded(m),
      );
      const h = range(L).reduce((h, l) => fed(n, attended(n, h, l, temperature), l), first);
      return table([n, 2, C], (t, p, c) => sum(M, (m) => h(t, m) * wOut(m, p, c)) + bOut(p, c));
    };
    const affine = (n: number, y: Matrix) => {
      const held = network(n, y, embedding.classEmbedding, 1);
      if (!guidance) return held;
      const free = network(n, y, embedding.freeEmbedding, attnTemp);
      const gamma = (t: number, p: number) =>
        guideWhat.includes(p ? "c" : "a") ? guidance * (annealed ? (t + 1) / (T - 1) : 1) : 0;
      return table([n, 2, C], (t, p, c) => held(t, p, c) + gamma(t, p) * (held(t, p, c) - free(t, p, c)));
    };

    const bound = (value: number) => (mode === "GS" ? value : clamp(value, -limit, limit));
    const step = (from: number, last: number, { x, seen }: State): Matrix => {
      const a = affine(last, (t, c) => (t < from ? seen(t, c) : x(t, c)));
      return table([T, C], (t, c) => {
        if (t === 0 && mode === "J") return bound(x(t, c));
        return t > from && t <= last ? bound(Math.exp(a(t - 1, 0, c)) * z(t, c) + a(t - 1, 1, c)) : x(t, c);
      });
    };
    const distance = (a: Matrix, b: Matrix) => Math.sqrt(sum(T, (t) => sum(C, (c) => (a(t, c) - b(t, c)) ** 2))) / C;
    const settle = (from: number, last: number, { x, seen }: State): State => {
      let [read, found] = [x, step(from, last, { x, seen })];
      for (let k = 1; k < kMax && mode !== "GS" && distance(read, found) > tolerance; k++)
        [read, found] = [found, step(from, last, { x: found, seen })];
      return { x: found, seen: table([T, C], (t, c) => (t < from ? seen(t, c) : read(t, c))) };
    };
    const rows = mode === "J" ? T : mode === "GS" ? 1 : T / G;
    const start: Matrix = (t, c) => (t === 0 || init === "z" ? z(t, c) : 0);
    const solved = range(T / rows).reduce((state, g) => settle(g * rows, (g + 1) * rows, state), {
      x: start,
      seen: start,
    });
    return { x: solved.x };
  },
});
