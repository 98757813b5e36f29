import { integer, mechanism, range, scan, sum, table } from "../page.ts";

/**
 * Lightning attention 2: the tiled algorithm for decayed linear attention and for its gradients. Blocks of $B$ tokens
 * are computed as masked products among themselves; all that lies before them (for the gradients of keys and values,
 * after them) comes from one $D \times E$ state. One head. Qin et al. 2024, arXiv:2401.04658.
 *
 * For a block $b$ of $m$ tokens with rows $r = 1 \dots m$, $\lambda = e^{-\mathrm{slope}}$ and
 * $M_{r,c} = \lambda^{r-c}\,[c \le r]$, forwards from $S$ = `state`:
 *
 * $$ O_b = [(Q_b K_b^\top) \odot M]\, V_b + \Lambda Q_b S, \quad
 *    dQ_b = [(dO_b V_b^\top) \odot M]\, K_b + \Lambda\, dO_b S^\top, \quad
 *    S \leftarrow \lambda^m S + (\bar\Lambda K_b)^\top V_b $$
 *
 * and backwards from $Z = 0$, with $\Lambda_r = \lambda^r$ and $\bar\Lambda_r = \lambda^{m-r}$:
 *
 * $$ dK_b = [(dO_b V_b^\top) \odot M]^\top Q_b + \bar\Lambda V_b Z^\top, \quad
 *    dV_b = [(Q_b K_b^\top) \odot M]^\top dO_b + \bar\Lambda K_b Z, \quad
 *    Z \leftarrow \lambda^m Z + (\Lambda Q_b)^\top dO_b $$
 *
 * The last block may be shorter, and $m$ is its true length; the official kernel fades by $B$ there, which is of no
 * consequence since it returns no state. It also keeps $\lambda S$ and counts rows from 0: the same. No scale, no
 * normaliser; the result does not depend on $B$. The gradients `dQ`, `dK`, `dV` belong to $\langle dO, O \rangle$ and
 * are absent without `dOut`. Cost: $O(T (B + D) E + T B D)$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ.
 */
export const lightningAttention2 = mechanism({
  id: "linear/lightning-attention-2",
  name: "Lightning attention 2 (tiled, with gradients)",
  paper: "Qin et al., 2024, arXiv:2401.04658",
  code: "OpenNLPLab/lightning-attention lightning_attn/ops/triton/lightning_attn2.py:_fwd_kernel, _bwd_intra_kernel, _bwd_inter_kernel",
  inputs: { q: "T D", k: "T D", v: "T E", dOut: "T E = none", slope: " = 0", state: "D E = 0" },
  outputs: { out: "T E", dQ: "T D = none", dK: "T D = none", dV: "T E = none", state: "D E" },
  options: { block: integer(64, "B, how many tokens are computed together", { min: 1, tried: [1, 2, 3] }) },
  domain: { slope: { usual: [0, 2] } },
  tried: { T: [1, 2, 5, 7] },
  properties: [
    { linear: ["v", "state"], outputs: ["out", "state", "dQ"] },
    { linear: "dOut", outputs: ["dQ", "dK", "dV"] },
    { causal: "T", outputs: ["out", "dQ"] },
    { resumes: "T", states: "state", outputs: ["out", "dQ", "state"] },
  ],
  run({ q, k, v, dOut, slope, state }, { T, D, E }, { block }, given) {
    const B = Math.min(block, T);
    const blocks = Math.ceil(T / B);
    const first = (t: number) => t - (t % B);
    const last = (t: number) => Math.min(first(t) + B, T) - 1;
    const rows = (b: number) => range(b * B, last(b * B) + 1);
    const power = (n: number) => Math.exp(-slope() * n);
    const masked = (t: number, s: number) => (s <= t ? power(t - s) : 0);
    const read = (t: number) => power(t - first(t) + 1);
    const kept = (t: number) => power(last(t) - t);

    const S = scan(blocks, table([D, E], state), (before, b) =>
      table([D, E], (d, e) => power(rows(b).length) * before(d, e) + sum(rows(b), (t) => kept(t) * k(t, d) * v(t, e))),
    );
    const before = (t: number) => S(Math.floor(t / B));
    const near = (t: number) => rows(Math.floor(t / B));
    const qk = table([T, T], (t, s) => masked(t, s) * sum(D, (d) => q(t, d) * k(s, d)));
    const forward = {
      out: (t: number, e: number) =>
        sum(near(t), (s) => qk(t, s) * v(s, e)) + read(t) * sum(D, (d) => q(t, d) * before(t)(d, e)),
      state: S(blocks),
    };
    if (!given.dOut) return forward;

    const Z = scan(
      blocks,
      table([D, E], () => 0),
      (after, i) => {
        const b = blocks - 1 - i;
        return table(
          [D, E],
          (d, e) => power(rows(b).length) * after(d, e) + sum(rows(b), (t) => read(t) * q(t, d) * dOut(t, e)),
        );
      },
    );
    const after = (t: number) => Z(blocks - 1 - Math.floor(t / B));
    const gradient = table([T, T], (t, s) => masked(t, s) * sum(E, (e) => dOut(t, e) * v(s, e)));
    return {
      ...forward,
      dQ: (t, d) =>
        sum(near(t), (s) => gradient(t, s) * k(s, d)) + read(t) * sum(E, (e) => dOut(t, e) * before(t)(d, e)),
      dK: (s, d) => sum(near(s), (t) => gradient(t, s) * q(t, d)) + kept(s) * sum(E, (e) => v(s, e) * after(s)(d, e)),
      dV: (s, e) => sum(near(s), (t) => qk(t, s) * dOut(t, e)) + kept(s) * sum(D, (d) => k(s, d) * after(s)(d, e)),
    };
  },
});
