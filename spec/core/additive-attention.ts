import { flag, mechanism, range, softmax, sum, table } from "../page.ts";

/**
 * Additive attention: a query and a memory place are compared by a small network with one hidden layer instead of a
 * product. Bahdanau, Cho and Bengio 2014, arXiv:1409.0473, §3.1 and appendix A.1.2; the paper's query is the decoder
 * state before the word being written.
 *
 * $$ e_{t,s} = v \cdot \tanh\bigl(q_t W^q + m_s W^m + b\bigr), \quad
 *    w_{t,\cdot} = \operatorname{softmax}_{s \in S_t} e_{t,\cdot}, \quad o_t = \sum_{s \in S_t} w_{t,s}\, u_s $$
 *
 * The values $u_s$ are the memory itself unless given. Scores are not scaled. $S_t$ is the places with `mask` true; a
 * query that sees none gets zeros. With `normalize` (weight normalisation, `normed_bahdanau` of TensorFlow) $v$ becomes
 * $g\, v / \lVert v \rVert$, $g = \sqrt{1/A}$ unless given. TensorFlow Addons has $b$ only then, the paper has none;
 * here it may be given either way. Keras' `AdditiveAttention` leaves out the two projections. Cost:
 * $O(T_q T_k (A + E))$ beside the projections.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, $g$ comes without `normalize`, or
 * $v$ is zero with it.
 */
export const additiveAttention = mechanism({
  id: "core/additive-attention",
  name: "Additive attention (Bahdanau)",
  paper: "Bahdanau, Cho and Bengio, 2014, arXiv:1409.0473",
  code: "tensorflow/addons tensorflow_addons/seq2seq/attention_wrapper.py:_bahdanau_score",
  inputs: {
    query: "Tq M",
    memory: "Tk Mc",
    values: "Tk E = memory",
    wQuery: "M A",
    wMemory: "Mc A",
    v: "A",
    b: "A = 0",
    g: " = none",
    mask: "Tq Tk = 1",
  },
  outputs: { out: "Tq E", weights: "Tq Tk" },
  options: { normalize: flag(false, "v has length g") },
  mayBeEmpty: ["Tk"],
  domain: { mask: "boolean" },
  requires: { "g needs normalize": (_, o, given) => o.normalize || !given.g },
  expects: {
    "v must not be all zeros with normalize": ({ v }, { A }, o) => !o.normalize || range(A).some((a) => v(a)),
  },
  properties: [
    { linear: "values", when: (_, _o, given) => given.values === true, outputs: ["out"] },
    { averages: "values", along: "Tk", when: (_, _o, given) => given.values === true, outputs: ["out"] },
    { unordered: "Tk", outputs: ["out"] },
    { independent: "Tq" },
    { even: ["wQuery", "wMemory", "b", "v"] },
  ],
  run({ query, memory, values, wQuery, wMemory, v, b, g, mask }, { Tq, Tk, M, Mc, A }, { normalize }, given) {
    const length = Math.sqrt(sum(A, (a) => v(a) ** 2));
    const gain = normalize ? (given.g ? g() : Math.sqrt(1 / A)) / length : 1;
    const asked = table([Tq, A], (t, a) => sum(M, (m) => query(t, m) * wQuery(m, a)) + b(a));
    const held = table([Tk, A], (s, a) => sum(Mc, (m) => memory(s, m) * wMemory(m, a)));
    const seen = (t: number) => range(Tk).filter((s) => mask(t, s));
    const weights = table([Tq], (t) =>
      softmax(seen(t), (s) => gain * sum(A, (a) => v(a) * Math.tanh(asked(t, a) + held(s, a)))),
    );
    return {
      out: (t, e) => sum(weights(t), (s, w) => w * values(s, e)),
      weights: (t, s) => weights(t).of(s),
    };
  },
});
