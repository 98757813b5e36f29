import { clamp, mechanism, range, sigmoid, softmax, sum, table } from "../page.ts";

/**
 * Contextual position encoding (CoPE): a query counts its way back to a key, and a gate of query and key says how much
 * each token on the way counts, so that positions may be words or sentences. Positions are fractional; their vectors
 * are interpolated. Golovneva et al. 2024, arXiv:2405.18719.
 *
 * $$ g_{t,s} = \operatorname{sigmoid}\Bigl(\frac{q_t \cdot k'_s}{\sqrt D}\Bigr), \quad
 *    p_{t,s} = \min\Bigl(\sum_{u \in S_t,\, u \ge s} g_{t,u},\; P - 1\Bigr), \quad u_{t,i} = q_t \cdot e_i $$
 * $$ b_{t,s} = (p - \lfloor p \rfloor)\, u_{t,\lceil p \rceil} + (1 - p + \lfloor p \rfloor)\, u_{t,\lfloor p \rfloor}, \quad
 *    o_t = \sum_{s \in S_t} \operatorname{softmax}_{s \in S_t}\Bigl(\frac{q_t \cdot k_s}{\sqrt D} + b_{t,s}\Bigr)\, v_s $$
 *
 * $S_t$ is the keys $s \le t + T_k - T_q$. The count takes in the key itself, so a token stands at $g_{t,t}$ from
 * itself, not at 0. The product with the table is not divided by $\sqrt D$. The gates' argument is: the paper's
 * equation writes $q \cdot k$ plain, its code (followed here) gates on the scaled score. `gateK` are keys $k'$ of
 * their own for the gates (the paper's separate keys, or the values for its value gates). The heads share the table.
 * `bias` is 0 at keys that are not seen. A query that sees no key gets zeros. Cost: $O(H T_q (T_k (D + E) + P D))$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ.
 */
export const cope = mechanism({
  id: "positional/cope",
  name: "CoPE (contextual position encoding)",
  paper: "Golovneva et al., 2024, arXiv:2405.18719",
  code: "lucidrains/x-transformers x_transformers/x_transformers.py:CoPE",
  inputs: { q: "H Tq D", k: "H Tk D", v: "H Tk E", posEmb: "P D", gateK: "H Tk D = k" },
  outputs: { out: "H Tq E", bias: "H Tq Tk" },
  options: {},
  mayBeEmpty: ["Tk"],
  properties: [
    { linear: "v", outputs: ["out"] },
    { averages: "v", along: "Tk", outputs: ["out"] },
    { equivariant: "H" },
    { causal: ["Tq", "Tk"], when: (n) => n.Tq === n.Tk },
  ],
  run({ q, k, v, posEmb, gateK }, { H, Tq, Tk, D, P }) {
    const seen = (t: number) => range(Tk).filter((s) => s <= t + Tk - Tq);
    const gate = table([H, Tq, Tk], (h, t, s) => sigmoid(sum(D, (d) => q(h, t, d) * gateK(h, s, d)) / Math.sqrt(D)));
    const count = (h: number, t: number, s: number) =>
      sum(
        seen(t).filter((u) => u >= s),
        (u) => gate(h, t, u),
      );
    const position = table([H, Tq, Tk], (h, t, s) => clamp(count(h, t, s), 0, P - 1));
    const meets = table([H, Tq, P], (h, t, i) => sum(D, (d) => q(h, t, d) * posEmb(i, d)));
    const bias = table([H, Tq, Tk], (h, t, s) => {
      if (s > t + Tk - Tq) return 0;
      const [p, floor] = [position(h, t, s), Math.floor(position(h, t, s))];
      return (p - floor) * meets(h, t, Math.ceil(p)) + (1 - p + floor) * meets(h, t, floor);
    });
    const weights = table([H, Tq], (h, t) =>
      softmax(seen(t), (s) => sum(D, (d) => q(h, t, d) * k(h, s, d)) / Math.sqrt(D) + bias(h, t, s)),
    );
    return { out: (h, t, e) => sum(weights(h, t), (s, w) => w * v(h, s, e)), bias };
  },
});
