import { choice, flag, integer, largest, mechanism, range, real, sigmoid, softmax, sum, table } from "../page.ts";

/**
 * Attention of the Memorizing Transformer: beside the tokens at hand, each query attends to the few entries of a large
 * external memory whose keys are nearest to it, and a gate of each head mixes the two. Wu et al. 2022,
 * arXiv:2203.08913, §3.
 *
 * $$ o_t = g \sum_{j \in N_t} \operatorname{softmax}_{j \in N_t}(\sigma\, q_t \cdot \bar k_j)\, \bar v_j
 *    + (1 - g) \sum_{s \in S_t} \operatorname{softmax}_{s \in S_t}\bigl(\sigma\, (q_t \cdot k_s + a_{t,s})\bigr)\, v_s,
 *    \quad g = \operatorname{sigmoid}(b_h) $$
 *
 * $(\bar k, \bar v)$ = `memK`, `memV` and $a$ = `bias`. With `normalise` queries and keys are
 * $x / \sqrt{|x|^2 + \varepsilon}$ first (with ε = 0, $x / \max(|x|, 10^{-12})$) and σ is $|c_h|$, else $1/\sqrt D$;
 * stored keys are normalised already, unless `memNormalise`. $N_t$ is the `topK` entries of largest
 * $q_t \cdot \bar k_j$, of equal ones the earlier. `bucket` takes the best of the entries with
 * $j \bmod \mathtt{topK} = 0, 1, \dots$ instead, as the official code does on its own hardware. Query $t$ stands at
 * place $p = t + T_k - T_q$ of the keys; $S_t$ is $s \le p$, as in the paper, or with `localMask` `previous` the
 * `window` places before $p$ and not $p$ itself, as in the official code. The part of a side where nothing is seen is
 * zero. `joint`, of a third party, is one softmax over both sides without gate, where the bias is added after the
 * scale. The memory comes out with the last $T_q$ keys, normalised, and values appended and the oldest beyond
 * `capacity` dropped. Official configurations retrieve 128, the paper 32. Left out: empty slots, which in the official
 * code are zero keys and values that count where a bucket has nothing else, and its sink of −1000. Cost:
 * $O(T_q (T_m + T_k) D)$ a head.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, $T_k < T_q$, `bucket` meets a memory
 * that is no multiple of `topK`, `window` is given without `previous`, `c` without `normalise`, or `b` with `joint`.
 */
export const memorizingKnnAttention = mechanism({
  id: "memory/memorizing-knn-attention",
  name: "kNN attention of the Memorizing Transformer",
  paper: "Wu et al., 2022, arXiv:2203.08913",
  code: "google-research/meliad transformer/attention.py:external_attention",
  inputs: {
    q: "H Tq D",
    k: "H Tk D",
    v: "H Tk E",
    memK: "H Tm D",
    memV: "H Tm E",
    bias: "H Tq Tk = 0",
    b: "H = 0",
    c: "H = 1",
  },
  outputs: { out: "H Tq E", memK: "H Tn D", memV: "H Tn E" },
  options: {
    topK: integer(32, "how many entries of the memory a query reads", { min: 1, tried: [1, 2, 3] }),
    capacity: integer(32768, "how many entries the memory holds", { min: 0, tried: [0, 2, 5] }),
    joint: flag(false, "one softmax over memory and tokens in place of the gate"),
    normalise: flag(true, "whether queries and keys have length 1"),
    normEps: real(1e-6, "ε under the root of the norm", { min: 0, tried: [0, 0.5] }),
    memNormalise: flag(false, "whether the keys of the memory are normalised on reading"),
    retrieval: choice(["exact", "bucket"], "the nearest entries, or the nearest of each bucket"),
    localMask: choice(["causal", "previous"], "the tokens up to the query's, or a window before it"),
    window: integer(Infinity, "how many tokens before its own a query sees, for previous", { min: 1, tried: [1, 2] }),
  },
  axes: { Tn: (n: { Tm: number; Tq: number }, o) => Math.min(o.capacity, n.Tm + n.Tq) },
  mayBeEmpty: ["Tm"],
  tried: { H: [1, 2], D: [1, 2, 3], E: [1, 2] },
  requires: {
    "Tk must be at least Tq": (n) => n.Tk >= n.Tq,
    "retrieval bucket needs Tm to be a multiple of topK": (n, o) => o.retrieval === "exact" || n.Tm % o.topK === 0,
    "window is for localMask previous": (_, o) => o.localMask === "previous" || o.window === Number.POSITIVE_INFINITY,
    "c needs normalise": (_, o, given) => o.normalise || !given.c,
    "joint has no gate b": (_, o, given) => !o.joint || !given.b,
  },
  properties: [
    { linear: ["v", "memV"], outputs: ["out", "memV"] },
    { causal: ["Tq", "Tk"], outputs: ["out"] },
    { unordered: "Tm", outputs: ["out"], when: (n, o) => o.retrieval === "exact" && o.topK >= n.Tm },
    { even: "c" },
    { even: ["q", "k", "memK"], outputs: ["out"] },
    { independent: "H" },
  ],
  run({ q, k, v, memK, memV, bias, b, c }, { H, Tq, Tk, Tm, Tn, D }, o) {
    const unit = (places: number, x: typeof q) => {
      const length = table([H, places], (h, t) => {
        const square = sum(D, (d) => x(h, t, d) ** 2);
        return o.normEps > 0 ? Math.sqrt(square + o.normEps) : Math.max(Math.sqrt(square), 1e-12);
      });
      return table([H, places, D], (h, t, d) => x(h, t, d) / length(h, t));
    };
    const ask = o.normalise ? unit(Tq, q) : q;
    const key = o.normalise ? unit(Tk, k) : k;
    const stored = o.memNormalise ? unit(Tm, memK) : memK;
    const scale = (h: number) => (o.normalise ? Math.abs(c(h)) : 1 / Math.sqrt(D));
    const near = table([H, Tq, Tm], (h, t, j) => sum(D, (d) => ask(h, t, d) * stored(h, j, d)));
    const product = (h: number, t: number, s: number) => sum(D, (d) => ask(h, t, d) * key(h, s, d));

    const bucket = (j: number) => range(Tm).filter((other) => other % o.topK === j % o.topK);
    const nearest = (h: number, t: number, places: readonly number[]) => largest(1, places, (j) => near(h, t, j));
    const retrieved = (h: number, t: number) =>
      o.retrieval === "exact"
        ? largest(o.topK, Tm, (j) => near(h, t, j))
        : range(Tm).filter((j) => nearest(h, t, bucket(j)).includes(j));
    const seen = (t: number) => {
      const place = t + Tk - Tq;
      return o.localMask === "causal" ? range(place + 1) : range(Math.max(0, place - o.window), place);
    };
    const far = table([H, Tq], (h, t) => softmax(retrieved(h, t), (j) => scale(h) * near(h, t, j)));
    const local = table([H, Tq], (h, t) => softmax(seen(t), (s) => scale(h) * (product(h, t, s) + bias(h, t, s))));
    const both = table([H, Tq], (h, t) =>
      softmax([...retrieved(h, t), ...seen(t).map((s) => Tm + s)], (i) =>
        i < Tm ? scale(h) * near(h, t, i) : scale(h) * product(h, t, i - Tm) + bias(h, t, i - Tm),
      ),
    );
    const g = (h: number) => sigmoid(b(h));
    const mixed = (h: number, t: number, e: number) =>
      g(h) * sum(far(h, t), (j, w) => w * memV(h, j, e)) + (1 - g(h)) * sum(local(h, t), (s, w) => w * v(h, s, e));
    const joined = (h: number, t: number, e: number) =>
      sum(both(h, t), (i, w) => w * (i < Tm ? memV(h, i, e) : v(h, i - Tm, e)));
    const appended = (old: typeof q, fresh: typeof q) => (h: number, j: number, d: number) => {
      const place = Tm + Tq - Tn + j;
      return place < Tm ? old(h, place, d) : fresh(h, Tk - Tq + place - Tm, d);
    };
    return { out: o.joint ? joined : mixed, memK: appended(memK, key), memV: appended(memV, v) };
  },
});
