import { integer, mechanism, sum, table } from "../page.ts";

/**
 * LRPE-d, the position encoding of TransNormerLLM: linearised relative position encoding with exponential decay. Queries and
 * keys (after their activation) are laid out on cosines and sines of their position, so that linear attention sees relative
 * angles; the score then decays with the distance. Qin et al. 2023, arXiv:2307.14995.
 *
 * $$ \phi(x_t) = [\,x_t \odot \cos t\theta \;;\; x_t \odot \sin t\theta\,], \quad
 *    a_{t,s} = \lambda^{t-s}\, \phi(q_t) \cdot \phi(k_s) = \lambda^{t-s} \sum_j q_{t,j}\, k_{s,j} \cos\bigl((t-s)\,\theta_j\bigr), \quad s \le t $$
 *
 * `out` is $\phi(x)$, twice as wide as $x$; with `keys`, `scores` is $a$ for the queries $x$, 0 for $s > t$. Positions count
 * from 0, `offset` tokens coming before the first. $\theta$ is learned; omitted, it is its initial value, which runs on over
 * the heads: $\theta_{h,j} = 10000^{-2(hD + j)/(HD)}$. Only the first layer of the model turns; later ones keep $\lambda$ alone,
 * that is $\theta = 0$. Cost: $O(H T D)$, with scores $O(H T^2 D)$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or there is a decay without keys.
 */
export const lrpeD = mechanism({
  id: "positional/lrpe-d",
  name: "LRPE-d (linearised relative position encoding with exponential decay)",
  paper: "Qin et al., 2023, arXiv:2307.14995",
  code: "weigao266/TNL-MoE smoe/models/tnl/modeling_transnormer.py:Lrpe",
  inputs: { x: "H T D", keys: "H T D = none", theta: "H D = none", decay: "H = 1" },
  outputs: { out: "H T (2 D)", scores: "H T T = none" },
  options: { offset: integer(0, "tokens before the first", { min: 0, tried: [3] }) },
  domain: { decay: { usual: [0, 1] } },
  requires: { "decay needs keys": (_, __, given) => given.keys || !given.decay },
  properties: [
    { linear: "x" },
    { linear: "keys", outputs: ["scores"], when: (_, __, given) => given.keys === true },
    { causal: "T" },
  ],
  run({ x, keys, theta, decay }, { H, D }, { offset }, given) {
    const frequency = table([H, D], (h, j) => (given.theta ? theta(h, j) : 10000 ** ((-2 * (h * D + j)) / (H * D))));
    const score = (h: number, t: number, s: number) =>
      decay(h) ** (t - s) * sum(D, (j) => x(h, t, j) * keys(h, s, j) * Math.cos((t - s) * frequency(h, j)));
    return {
      out: (h, t, sine, j) => {
        const angle = (t + offset) * frequency(h, j);
        return x(h, t, j) * (sine ? Math.sin(angle) : Math.cos(angle));
      },
      scores: given.keys ? (h, t, s) => (s <= t ? score(h, t, s) : 0) : undefined,
    };
  },
});
