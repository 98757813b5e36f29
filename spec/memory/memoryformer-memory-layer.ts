import { flag, integer, mechanism, product, real, sum, table } from "../page.ts";

/**
 * Memory layer of MemoryFormer: in place of a linear layer, the signs of a few coordinates at a time are the address of
 * a row in a table of learned rows, and the rows found are added up. Ding et al. 2024, arXiv:2411.12992.
 *
 * $$ y_t = \sum_g p_{t,g}\, T_{g,\,h(t,g)}, \quad
 *    h(t,g) = \sum_{i < \tau} [z_i \ge 0]\, 2^i, \quad
 *    p_{t,g} = \prod_{i < \tau} \frac{1}{1 + e^{-2 |z_i| / \theta}}, \quad
 *    z = (x_{t,g\tau}, \dots, x_{t,g\tau+\tau-1}) $$
 *
 * $p$ is the softmax of $z \cdot c / \theta$ over all $2^\tau$ codes of signs $c$, at the code taken; it makes the
 * addresses trainable. `useWeight: false` adds the rows as they are. A coordinate 0 has the sign +. A last chunk that
 * is short is filled with zeros, each of which sets its bit and halves $p$. Three such layers stand for the projections
 * of attention, two for a feed-forward layer. No code is public. Cost: $O(T M_o M / \tau)$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, or `tables` does not hold ⌈M/τ⌉
 * tables of $2^\tau$ rows.
 */
export const memoryformerMemoryLayer = mechanism({
  id: "memory/memoryformer-memory-layer",
  name: "Memory layer (MemoryFormer)",
  paper: "Ding et al., 2024, arXiv:2411.12992",
  ours: "the temperature is 1 unless given, there is no bias, and a short last chunk is filled with zeros",
  inputs: { x: "T M", tables: "G B Mo" },
  outputs: { out: "T Mo" },
  options: {
    tau: integer(8, "τ, how many coordinates make an address", { min: 1, max: 30, tried: [1, 2, 3] }),
    temperature: real(1, "θ, what coordinates are divided by in p", { above: 0, tried: [0.5, 2] }),
    useWeight: flag(true, "whether rows are weighted by p"),
  },
  axes: { G: (n, o) => Math.ceil(n.M / o.tau), B: (_, o) => 2 ** o.tau },
  properties: [
    { linear: "tables" },
    { independent: "T" },
    { equivariant: "T" },
    { scaleFree: "x", when: (_, o) => !o.useWeight },
  ],
  run({ x, tables }, { T, M, G }, { tau, temperature, useWeight }) {
    const z = (t: number, g: number, i: number) => (g * tau + i < M ? x(t, g * tau + i) : 0);
    const address = table([T, G], (t, g) => sum(tau, (i) => (z(t, g, i) >= 0 ? 2 ** i : 0)));
    const p = table([T, G], (t, g) =>
      useWeight ? product(tau, (i) => 1 / (1 + Math.exp((-2 * Math.abs(z(t, g, i))) / temperature))) : 1,
    );
    return { out: (t, m) => sum(G, (g) => p(t, g) * tables(g, address(t, g), m)) };
  },
});
