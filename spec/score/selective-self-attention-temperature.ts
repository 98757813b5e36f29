import { choice, flag, gelu, mechanism, range, sigmoid, softmax, sum, table } from "../page.ts";

/**
 * Selective self-attention (SSA): an inverse temperature of each query, read from its token and its position, sharpens or
 * flattens its softmax; another, read from the token alone, scales each value. Arithmetic of one head; a batch or the heads
 * stand on a leading axis. Zhang et al. 2024, arXiv:2411.12892.
 *
 * $$ o_t = \sum_{s \in S_t} \operatorname{softmax}_{s \in S_t}\Bigl(\tau_t\, \frac{q_t \cdot k_s}{\sqrt D}\Bigr)\, \tau^v_s v_s, \quad
 *    \tau_t = 1 + \tanh f(x_t) + a \ln |S_t|, \quad \tau^v_s = 1 + \tanh f^v(x_s) $$
 * $$ f(x) = u \cdot \operatorname{gelu}(x W_1 + b_1) + b_0, \quad f^v(x) = u^v \cdot \operatorname{gelu}(x W_1^v + b_1^v) + b_0^v $$
 *
 * $a$ = sigmoid(β) in the paper, $e^{-e^\beta}$ in the official code (`posParam` `expexp`), which has the position's part
 * alone and thereby confirms nothing else here. Each `use…` flag that is off leaves its tanh or logarithm out. $S_t$ is every
 * key, or with `causal` the keys $s \le t + T_k - T_q$: the queries are the last tokens, query $t$ being token
 * $t + T_k - T_q$ of $x$. Cost: $O(T_q T_k (D + E) + T_k M A)$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, there are more queries than tokens, or an
 * input that a flag calls for is missing.
 */
export const selectiveSelfAttentionTemperature = mechanism({
  id: "score/selective-self-attention-temperature",
  name: "Selective self-attention (SSA): temperature by token and position",
  paper: "Zhang et al., 2024, arXiv:2411.12892",
  code: "umich-sota/selective_attention lit_gpt/gpt_2_PTS.py:CausalSelfAttention.scaled_dot_product_attention",
  ours: "f is a network of one GELU layer, and the value's temperature is 1 + tanh of another of the same form.",
  inputs: {
    q: "Tq D",
    k: "Tk D",
    v: "Tk E",
    x: "Tk M = none",
    beta: " = none",
    w1: "M A = none",
    b1: "A = 0",
    u: "A = none",
    b0: " = 0",
    w1V: "M Av = none",
    b1V: "Av = 0",
    uV: "Av = none",
    b0V: " = 0",
  },
  outputs: { out: "Tq E" },
  options: {
    useTok: flag(true, "whether the token of a query sets its temperature; needs x, w1 and u"),
    usePos: flag(true, "whether its position does; needs beta"),
    useValue: flag(true, "whether the token of a value scales it; needs x, w1V and uV"),
    posParam: choice(["sigmoid", "expexp"], "how a comes from β"),
    causal: flag(true, "a query sees only the keys up to its own place"),
  },
  requires: {
    "Tq must be at most Tk": (n) => n.Tq <= n.Tk,
    "useTok needs x, w1 and u": (_, o, given) => !o.useTok || (given.x && given.w1 && given.u),
    "usePos needs beta": (_, o, given) => !o.usePos || given.beta,
    "useValue needs x, w1V and uV": (_, o, given) => !o.useValue || (given.x && given.w1V && given.uV),
  },
  properties: [
    { linear: "v" },
    { averages: "v", along: "Tk", when: (_, o) => !o.useValue },
    { unordered: "Tk", when: (_, o) => !o.causal && !o.useTok },
    { independent: "Tq", when: (_, o) => !o.causal && !o.useTok },
    { causal: ["Tq", "Tk"], when: (n, o) => o.causal && n.Tq === n.Tk },
    { even: ["q", "k"] },
  ],
  run(
    { q, k, v, x, beta, w1, b1, u, b0, w1V, b1V, uV, b0V },
    { Tq, Tk, D, M, A, Av },
    { useTok, usePos, useValue, posParam, causal },
  ) {
    const f = (s: number) => sum(A, (a) => u(a) * gelu(sum(M, (m) => x(s, m) * w1(m, a)) + b1(a))) + b0();
    const fV = (s: number) => sum(Av, (a) => uV(a) * gelu(sum(M, (m) => x(s, m) * w1V(m, a)) + b1V(a))) + b0V();
    const token = (t: number) => t + Tk - Tq;
    const seen = (t: number) => range(causal ? token(t) + 1 : Tk);
    const growth = () => (posParam === "sigmoid" ? sigmoid(beta()) : Math.exp(-Math.exp(beta())));
    const tau = table(
      [Tq],
      (t) => 1 + (useTok ? Math.tanh(f(token(t))) : 0) + (usePos ? growth() * Math.log(seen(t).length) : 0),
    );
    const tauV = table([Tk], (s) => 1 + (useValue ? Math.tanh(fV(s)) : 0));
    const weights = table([Tq], (t) =>
      softmax(seen(t), (s) => (tau(t) * sum(D, (d) => q(t, d) * k(s, d))) / Math.sqrt(D)),
    );
    return { out: (t, e) => sum(weights(t), (s, w) => w * tauV(s) * v(s, e)) };
  },
});
