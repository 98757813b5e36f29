import { mechanism, range, sum } from "../page.ts";

/**
 * The form that token mixers have in common: an influence of every token on every other, by which values are added up,
 * and a gate. He and Kabic 2023, arXiv:2302.06218, set out long-sequence models in this way.
 *
 * $$ y_t = \gamma_t \odot \sum_s [m_{t,s}]\, A_{t,s}\, v_s $$
 *
 * $A$ = `influence` may be the softmax of scores, products of features of queries and keys (over their sum or not),
 * powers of a decay, the taps of a convolution, a Fourier matrix; $v$ is the tokens after a map of each by itself,
 * $\gamma$ = `gate` the output's. One head or channel; others stand on a leading axis. A pair that `mask` $m$ hides
 * does not count, whatever its influence; a query that sees nothing gets zeros. Any mechanism linear in its values has
 * such an $A$, which comes out if it is fed one-hot values. Cost: $O(T_q T_k E)$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ.
 */
export const tokenMixingTemplate = mechanism({
  id: "linear/token-mixing-template",
  name: "Token mixing by an influence matrix",
  paper: "He and Kabic, 2023, arXiv:2302.06218",
  ours: "the symbols, and that the map after mixing is a gate",
  inputs: { influence: "Tq Tk", v: "Tk E", mask: "Tq Tk = 1", gate: "Tq E = 1" },
  outputs: { out: "Tq E" },
  options: {},
  mayBeEmpty: ["Tk"],
  domain: { mask: "boolean" },
  properties: [
    { linear: "v" },
    { linear: "influence" },
    { linear: "gate" },
    { unordered: "Tk" },
    { independent: "Tq" },
    { independent: "E" },
  ],
  run({ influence, v, mask, gate }, { Tk }) {
    const seen = (t: number) => range(Tk).filter((s) => mask(t, s));
    return { out: (t, e) => gate(t, e) * sum(seen(t), (s) => influence(t, s) * v(s, e)) };
  },
});
