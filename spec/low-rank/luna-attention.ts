import { integer, mechanism, softmax, sum, table } from "../page.ts";

/**
 * Luna attention: an extra sequence of fixed length packs the context, attending to its tokens, and the queries then
 * attend to the packed sequence, so that the cost is linear in both lengths. Ma et al. 2021, arXiv:2106.01540.
 *
 * $$ Y_P = \bigl\Vert_h \operatorname{softmax}_s\Bigl(\frac{p W^{PQ}_h \cdot c_s W^{PK}_h}{\sqrt{D_p}}\Bigr) c_s W^{PV}_h
 *    \quad \text{(} H_p \text{ heads)} $$
 * $$ y_t = \Bigl[\bigl\Vert_h \operatorname{softmax}_g\Bigl(\frac{x_t W^Q_h \cdot Y_{P,g} W^K_h}{\sqrt D}\Bigr) Y_{P,g} W^V_h\Bigr] W^O
 *    + b^O \quad \text{(} H \text{ heads)} $$
 *
 * Every projection has a bias; packing has no output projection. Without `wPv` the packing values are its keys, without
 * `wV` the unpacking values are its keys, which is the authors' default. The context is `x` itself unless given. In the
 * block both results get a residual and a layer norm, and $p + Y_P$ goes on to the next layer as its extra sequence.
 * The causal form is another mechanism, with a running sum in place of the packing softmax.
 * Cost: $O((T_q + T_k) G M)$ beside the projections.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, a weight does not divide into the
 * heads, or a value's bias is given without its weight.
 */
export const lunaAttention = mechanism({
  id: "low-rank/luna-attention",
  name: "Luna: linear unified nested attention",
  paper: "Ma et al., 2021, arXiv:2106.01540",
  code: "XuezheMax/fairseq-apollo fairseq/modules/luna_attention.py:LunarMultiheadAttention",
  inputs: {
    x: "Tq M",
    p: "G M",
    context: "Tk M = x",
    wPq: "M (Hp Dp)",
    wPk: "M (Hp Dp)",
    wPv: "M (Hp Dp) = none",
    wQ: "M (H D)",
    wK: "(Hp Dp) (H D)",
    wV: "(Hp Dp) (H D) = none",
    wO: "(H D) Mo",
    bPq: "(Hp Dp) = 0",
    bPk: "(Hp Dp) = 0",
    bPv: "(Hp Dp) = 0",
    bQ: "(H D) = 0",
    bK: "(H D) = 0",
    bV: "(H D) = 0",
    bO: "Mo = 0",
  },
  outputs: { out: "Tq Mo", packed: "G (Hp Dp)" },
  options: {
    heads: integer(1, "H, the number of heads that unpack", { min: 1, tried: [1, 2] }),
    pheads: integer(1, "Hp, the number of heads that pack", { min: 1, tried: [1, 2] }),
  },
  axes: { H: (_, o) => o.heads, Hp: (_, o) => o.pheads },
  tried: { Dp: [1, 2], D: [1, 2], M: [1, 2, 3] },
  requires: {
    "bPv needs wPv, bV needs wV": (_, _o, given) => (given.wPv || !given.bPv) && (given.wV || !given.bV),
  },
  properties: [
    { linear: ["wO", "bO"], outputs: ["out"] },
    { independent: "Tq", outputs: ["out"], when: (_, _o, given) => given.context },
    { unordered: "Tk" },
    { unordered: "G", outputs: ["out"] },
  ],
  run(
    { x, p, context, wPq, wPk, wPv, wQ, wK, wV, wO, bPq, bPk, bPv, bQ, bK, bV, bO },
    { Tq, Tk, G, M, Hp, Dp, H, D },
    _,
    given,
  ) {
    type Rows = (t: number, m: number) => number;
    type Weight = (m: number, h: number, d: number) => number;
    type Bias = (h: number, d: number) => number;
    const packing = (rows: number, input: Rows, w: Weight, b: Bias) =>
      table([rows, Hp, Dp], (t, h, d) => sum(M, (m) => input(t, m) * w(m, h, d)) + b(h, d));
    const pq = packing(G, p, wPq, bPq);
    const pk = packing(Tk, context, wPk, bPk);
    const pv = given.wPv ? packing(Tk, context, wPv, bPv) : pk;
    const pack = table([G, Hp], (g, h) =>
      softmax(Tk, (s) => sum(Dp, (d) => pq(g, h, d) * pk(s, h, d)) / Math.sqrt(Dp)),
    );
    const packed = table([G, Hp, Dp], (g, h, d) => sum(pack(g, h), (s, w) => w * pv(s, h, d)));

    const q = table([Tq, H, D], (t, h, d) => sum(M, (m) => x(t, m) * wQ(m, h, d)) + bQ(h, d));
    const unpacking = (w: (i: number, j: number, h: number, d: number) => number, b: Bias) =>
      table([G, H, D], (g, h, d) => sum(Hp, (i) => sum(Dp, (j) => packed(g, i, j) * w(i, j, h, d))) + b(h, d));
    const k = unpacking(wK, bK);
    const v = given.wV ? unpacking(wV, bV) : k;
    const unpack = table([Tq, H], (t, h) => softmax(G, (g) => sum(D, (d) => q(t, h, d) * k(g, h, d)) / Math.sqrt(D)));
    const y = table([Tq, H, D], (t, h, d) => sum(unpack(t, h), (g, w) => w * v(g, h, d)));
    return { out: (t, m) => sum(H, (h) => sum(D, (d) => y(t, h, d) * wO(h, d, m))) + bO(m), packed };
  },
});
