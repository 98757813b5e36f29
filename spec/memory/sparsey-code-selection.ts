import { flag, maximum, mean, mechanism, range, real, sigmoid, sum, table } from "../page.ts";

/**
 * Code selection of Sparsey: a binary input is given a code of one winning unit in each of several competitive modules,
 * drawn the more at random the less familiar the input is, so that similar inputs share more of their codes; what is
 * learned is binary and in one step. Rinkus and Leveille 2017, arXiv:1710.07829; the algorithm Rinkus 2010 and 2014.
 *
 * $$ V_{g,n} = c_{g,n} \frac{\sum_m w_{g,n,m}\, a_m}{\max(\sum_m a_m, 1)}, \quad
 *    F = \operatorname{mean}_g \max_n V_{g,n}, \quad
 *    \eta = 1 + \chi N \max\Bigl(\frac{F - F_0}{1 - F_0}, 0\Bigr)^{\gamma} $$
 * $$ \psi_{g,n} = 1 + (\eta - 1) \operatorname{sigmoid}\bigl(\lambda (V_{g,n} - \mu)\bigr), \quad
 *    \rho_{g,n} = \psi_{g,n} / \textstyle\sum_{n'} \psi_{g,n'} $$
 *
 * The winner of module $g$ is the first unit whose cumulative $\rho$ exceeds `draw`, a uniform number of the caller;
 * without `draw`, which is retrieval, the unit of largest $V$, of equal ones the first. $c$ = `context` is the product
 * of the normalised supports from further sources, such as the last code; it is 1 if there are none. At a familiarity
 * $F \le F_0$ every unit is as likely as any. `learn` sets the weights from all active inputs to the winners, and none
 * is ever cleared. Cost: $O(G N M)$, whatever was stored.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, or `a` or `w` holds anything but 0
 * and 1.
 */
export const sparseyCodeSelection = mechanism({
  id: "memory/sparsey-code-selection",
  name: "Code selection algorithm (Sparsey)",
  paper: "Rinkus and Leveille, 2017, arXiv:1710.07829",
  ours: "the constants χ, γ, F₀, λ and μ, and that retrieval takes the largest V even where ρ is uniform",
  inputs: { a: "M", w: "G N M", draw: "G = none", context: "G N = 1" },
  outputs: { winner: "G", code: "G N", rho: "G N", familiarity: "", w: "G N M" },
  options: {
    learn: flag(false, "whether the input is stored under the code"),
    chi: real(100, "χ, how far a familiar input narrows the choice", { min: 0, tried: [0, 2] }),
    gamma: real(2, "γ, the power of the familiarity", { above: 0, tried: [1] }),
    floor: real(0.1, "F₀, the familiarity that counts as none", { min: 0, below: 1, tried: [0, 0.5] }),
    steepness: real(28, "λ, of the sigmoid", { tried: [4] }),
    centre: real(0.5, "μ, of the sigmoid", { tried: [0.25] }),
  },
  domain: { a: "boolean", w: "boolean", draw: { within: [0, 1] }, context: { usual: [0, 1] } },
  properties: [
    { unordered: "M", outputs: ["winner", "code", "rho", "familiarity"] },
    { equivariant: "M", outputs: ["w"] },
  ],
  run({ a, w, draw, context }, { G, N, M }, { learn, chi, gamma, floor, steepness, centre }, given) {
    const active = Math.max(
      sum(M, (m) => a(m)),
      1,
    );
    const V = table([G, N], (g, n) => (context(g, n) * sum(M, (m) => w(g, n, m) * a(m))) / active);
    const F = mean(G, (g) => maximum(N, (n) => V(g, n)));
    const eta = 1 + chi * N * Math.max((F - floor) / (1 - floor), 0) ** gamma;
    const psi = table([G, N], (g, n) => 1 + (eta - 1) * sigmoid(steepness * (V(g, n) - centre)));
    const rho = table([G, N], (g, n) => psi(g, n) / sum(N, (other) => psi(g, other)));
    const drawn = (g: number) => range(N - 1).find((n) => sum(n + 1, (i) => rho(g, i)) > draw(g)) ?? N - 1;
    const best = (g: number) => range(N).reduce((top, n) => (V(g, n) > V(g, top) ? n : top), 0);
    const winner = table([G], given.draw ? drawn : best);
    const wins = (g: number, n: number) => n === winner(g);
    return {
      winner,
      code: (g, n) => (wins(g, n) ? 1 : 0),
      rho,
      familiarity: () => F,
      w: (g, n, m) => (learn && wins(g, n) && a(m) === 1 ? 1 : w(g, n, m)),
    };
  },
});
