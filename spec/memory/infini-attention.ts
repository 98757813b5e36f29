import {
  choice,
  elu,
  flag,
  integer,
  maximum,
  mechanism,
  range,
  real,
  rotate,
  scan,
  sigmoid,
  softmax,
  sum,
  table,
} from "../page.ts";

/**
 * Infini-attention: causal attention inside a segment, mixed by a gate of each head with what a compressive memory of
 * all earlier segments returns. From the heads' $q$, $k$, $v$ to their outputs. Munkhdalai et al. 2024,
 * arXiv:2404.07143, §2.1.
 *
 * $$ A^{\mathrm{mem}}_t = \frac{\sigma(q_t)\, M_{c-1}}{\max(\sigma(q_t) \cdot z_{c-1},\, \varepsilon)}, \quad
 *    o_t = g A^{\mathrm{mem}}_t + (1 - g) A^{\mathrm{dot}}_t, \quad g = \operatorname{sigmoid}(\beta_h), \quad
 *    \sigma(x) = \operatorname{elu}(x) + 1 $$
 * $$ M_c = M_{c-1} + \sum_{t \in c} \sigma(k_t)^\top \Bigl(v_t -
 *    \Bigl[\frac{\sigma(k_t)\, M_{c-1}}{\max(\sigma(k_t) \cdot z_{c-1},\, \varepsilon)}\Bigr]\Bigr), \quad
 *    z_c = z_{c-1} + \sum_{t \in c} \sigma(k_t) $$
 *
 * $c$ is the segment of $t$, the last of which may be shorter; the bracket is there with `update` `delta` alone and
 * takes the memory as it was before the segment. $A^{\mathrm{dot}}$ is softmax attention with scale $1/\sqrt D$ over
 * the tokens of the segment up to $t$, turned by rotary positions (pairs $2i$ and $2i+1$, base 10000) if `rope`; the
 * memory is written and read without positions. An empty memory ($z = 0$) returns zeros; with `firstSegment` `dot` it
 * is not mixed in. No official code is known: a third-party one agrees, but for its gate, which weighs the other part.
 * The clamp by ε and leaving the first segment unmixed are its own. The state can be carried on after a whole number of
 * segments. Cost: $O(T (\mathtt{segment} + D) E)$ a head.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, $D$ is odd with `rope`, or one of
 * `memory` and `z` is missing.
 */
export const infiniAttention = mechanism({
  id: "memory/infini-attention",
  name: "Infini-attention",
  paper: "Munkhdalai et al., 2024, arXiv:2404.07143",
  code: "lucidrains/infini-transformer-pytorch infini_transformer_pytorch/infini_transformer.py:FastweightMemory",
  inputs: { q: "H T D", k: "H T D", v: "H T E", beta: "H", memory: "H D E = 0", z: "H D = 0" },
  outputs: { out: "H T E", memory: "H D E", z: "H D" },
  options: {
    segment: integer(Infinity, "how many tokens a segment has", { min: 1, tried: [1, 2, 3] }),
    update: choice(["linear", "delta"], "whether values are added as they are, or what the memory lacks of them"),
    firstSegment: choice(["dot", "mix"], "while the memory is empty: attention alone, or its part of the mixture"),
    rope: flag(true, "whether attention inside the segment is rotary"),
    eps: real(1e-10, "ε, the smallest divisor of what the memory returns", { above: 0, tried: [0.5] }),
  },
  tried: { H: [1, 2], D: [1, 2, 4], E: [1, 3] },
  domain: { z: { usual: [0.25, 3] } },
  requires: {
    "rope needs an even D": (n, o) => !o.rope || n.D % 2 === 0,
    "memory and z go together": (_n, _o, given) => given.memory === given.z,
  },
  properties: [
    { linear: ["v", "memory"], outputs: ["out", "memory"] },
    { causal: "T", outputs: ["out"] },
    { resumes: "T", states: ["memory", "z"], when: (_, o) => o.segment === 1 },
  ],
  run({ q, k, v, beta, memory, z }, { H, T, D, E }, { segment, update, firstSegment, rope, eps }) {
    type Cells = (h: number, i: number, j: number) => number;
    const length = Math.min(segment, T);
    const positive = (x: Cells) => table([H, T, D], (h, t, d) => elu(x(h, t, d)) + 1);
    const [asks, keys] = [positive(q), positive(k)];
    const returned = (past: { M: Cells; z: (h: number, d: number) => number }, ask: Cells, h: number, t: number) => {
      const divisor = Math.max(
        sum(D, (d) => ask(h, t, d) * past.z(h, d)),
        eps,
      );
      return table([E], (e) => sum(D, (d) => ask(h, t, d) * past.M(h, d, e)) / divisor);
    };
    const segments = Math.ceil(T / length);
    const start = { M: table([H, D, E], memory), z: table([H, D], z) };
    const after = scan(segments, start, (past, c) => {
      const tokens = range(c * length, Math.min((c + 1) * length, T));
      const known = table([H, T], (h, t) => (update === "delta" ? returned(past, keys, h, t) : () => 0));
      return {
        M: table(
          [H, D, E],
          (h, d, e) => past.M(h, d, e) + sum(tokens, (t) => keys(h, t, d) * (v(h, t, e) - known(h, t)(e))),
        ),
        z: table([H, D], (h, d) => past.z(h, d) + sum(tokens, (t) => keys(h, t, d))),
      };
    });

    const turned = (x: Cells) =>
      table([H, T], (h, t) => {
        const angle = (i: number) => (t % length) * 10000 ** ((-2 * i) / D);
        const plain = (d: number) => x(h, t, d);
        return table([D], rope ? rotate(plain, D, "interleaved", angle) : plain);
      });
    const [queries, seen] = [turned(q), turned(k)];
    const weights = table([H, T], (h, t) =>
      softmax(range(t - (t % length), t + 1), (s) => sum(D, (d) => queries(h, t)(d) * seen(h, s)(d)) / Math.sqrt(D)),
    );
    const gate = (h: number, empty: boolean) => (empty && firstSegment === "dot" ? 0 : sigmoid(beta(h)));
    const out = table([H, T], (h, t) => {
      const past = after(Math.floor(t / length));
      const found = returned(past, asks, h, t);
      const g = gate(h, maximum(D, (d) => past.z(h, d)) === 0);
      return (e: number) => g * found(e) + (1 - g) * sum(weights(h, t), (s, w) => w * v(h, s, e));
    });
    const { M, z: total } = after(segments);
    return { out: (h, t, e) => out(h, t)(e), memory: M, z: total };
  },
});
