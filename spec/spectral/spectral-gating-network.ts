import { mechanism, sum, table } from "../page.ts";

/**
 * Spectral gating, also called global filter: every channel of a feature map is transformed to frequencies, multiplied
 * by a learned complex number at each, and transformed back. Patro et al. 2023 (SpectFormer), arXiv:2304.06446; the
 * operator is that of Rao et al. 2021 (GFNet), arXiv:2107.00645.
 *
 * $$ F_{u,v,c} = \frac{1}{\sqrt{YX}} \sum_{y,x} x_{y,x,c}\, e^{-2\pi i (uy/Y + vx/X)}, \quad
 *    G_{u,v,c} = K_{u,v,c} F_{u,v,c}, \quad 0 \le v \le \lfloor X/2 \rfloor $$
 * $$ o_{y,x,c} = \frac{1}{\sqrt{YX}} \sum_u \sum_v m_v \operatorname{Re}\bigl(G_{u,v,c}\, e^{2\pi i (uy/Y + vx/X)}\bigr), \quad
 *    m_v = 1 \text{ if } v = 0 \text{ or } 2v = X, \text{ else } 2 $$
 *
 * Only half of the frequencies are kept, since the other half of a real map follows; `k` holds real and imaginary part
 * last. In the columns $m_v = 1$ rows $u$ and $-u$ are counterparts but have gates of their own: what is not symmetric
 * in them drops out with the imaginary part. The gate is a circular convolution of the map's size, one for each
 * channel. It fits one size of map. In SpectFormer's block $x + \operatorname{MLP}(\operatorname{LN}(o))$ there is no
 * residual around the gate, which takes the normed $x$; the first blocks are such, the rest attention. The code views
 * tokens row by row.
 * Cost: $O(Y^2X^2C)$ as written, $O(YXC \log YX)$ by fast transforms.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or `k` has not $\lfloor X/2 \rfloor +
 * 1$ columns.
 */
export const spectralGatingNetwork = mechanism({
  id: "spectral/spectral-gating-network",
  name: "Spectral gating network (global filter)",
  paper: "Patro et al., 2023, arXiv:2304.06446",
  code: "badripatro/SpectFormers vanilla_architecture/spectformer.py:SpectralGatingNetwork",
  inputs: { x: "Y X C", k: "Y Xh C 2" },
  outputs: { out: "Y X C" },
  options: {},
  axes: { Xh: (n) => Math.floor(n.X / 2) + 1 },
  properties: [{ linear: "x" }, { linear: "k" }, { independent: "C" }],
  run({ x, k }, { Y, X, Xh, C }) {
    const angle = (u: number, v: number, y: number, j: number) => 2 * Math.PI * (((u * y) % Y) / Y + ((v * j) % X) / X);
    const f = (part: (angle: number) => number) =>
      table([Y, Xh, C], (u, v, c) => sum(Y, (y) => sum(X, (j) => x(y, j, c) * part(angle(u, v, y, j)))));
    const [re, im] = [f(Math.cos), f((a) => -Math.sin(a))];
    const gRe = table([Y, Xh, C], (u, v, c) => k(u, v, c, 0) * re(u, v, c) - k(u, v, c, 1) * im(u, v, c));
    const gIm = table([Y, Xh, C], (u, v, c) => k(u, v, c, 0) * im(u, v, c) + k(u, v, c, 1) * re(u, v, c));
    const twins = (v: number) => (v === 0 || 2 * v === X ? 1 : 2);
    const back = (u: number, v: number, c: number, a: number) =>
      gRe(u, v, c) * Math.cos(a) - gIm(u, v, c) * Math.sin(a);
    return {
      out: (y, j, c) => sum(Y, (u) => sum(Xh, (v) => twins(v) * back(u, v, c, angle(u, v, y, j)))) / (Y * X),
    };
  },
});
