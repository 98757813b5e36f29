import { flag, integer, largest, mechanism, real, sum } from "../page.ts";

/**
 * Adaptive polyphase anchoring: rolls a feature map so that its strongest phase lies on the grid of a strided operator
 * (patches, windows, sub-sampling), which makes that operator commute with circular shifts of the image. Ding et al.
 * 2023, arXiv:2306.07470.
 *
 * $$ (a, b) = \arg\max_{0 \le a, b < s}\; \Bigl(\sum_{u,v,c} |x_{a+us,\; b+vs,\; c}|^p\Bigr)^{1/p}, \quad
 *    y_{i,j} = z_{(i + a) \bmod Y,\; (j + b) \bmod X} $$
 *
 * $z$ is `moved`, the map itself if not given: the phase is always that of $x$. With `rollBack` the signs of $a$ and
 * $b$ turn round, which takes the full-resolution result of the operator back to where $x$ was. Of equal phases the
 * one with the lower $as + b$ wins, and then shifts are no longer told apart. The official code takes square maps only
 * and knows $p = 2$ alone (its argument `norm` is not read); its `invariance` mode, which anchors the strongest patch,
 * is not this. Cost: $O(YXC)$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or the stride does not divide $Y$
 * and $X$.
 */
export const adaptivePolyphaseAnchoring = mechanism({
  id: "positional/adaptive-polyphase-anchoring",
  name: "Adaptive polyphase anchoring (shift-equivariant vision transformers)",
  paper: "Ding et al., 2023, arXiv:2306.07470",
  code: "willding123/Shift-Equivariant-Vision-Transformers models/poly_utils.py:PolyOrder",
  inputs: { x: "Y X C", moved: "Y X Co = x" },
  outputs: { out: "Y X Co", phase: "2" },
  options: {
    stride: integer(2, "s, the side of a patch or window", { min: 1, tried: [1, 2, 3] }),
    norm: real(2, "p, the norm by which a phase is strong", {
      above: 0,
      below: Number.POSITIVE_INFINITY,
      tried: [1, 3],
    }),
    rollBack: flag(false, "roll the other way, from the anchored map back"),
  },
  tried: { Y: [1, 2, 3, 4, 6], X: [1, 2, 3, 4, 6] },
  requires: { "Y and X must be multiples of stride": (n, o) => n.Y % o.stride === 0 && n.X % o.stride === 0 },
  properties: [
    { linear: "moved", outputs: ["out"], when: (_, __, given) => given.moved === true },
    { even: "x", outputs: ["phase"] },
  ],
  run({ x, moved }, { Y, X, C }, { stride, norm, rollBack }) {
    const energy = (a: number, b: number) =>
      sum(Y / stride, (u) =>
        sum(X / stride, (v) => sum(C, (c) => Math.abs(x(a + u * stride, b + v * stride, c)) ** norm)),
      );
    const best = largest(1, stride ** 2, (p) => energy(Math.floor(p / stride), p % stride))[0]!;
    const [a, b] = [Math.floor(best / stride), best % stride];
    const [down, right] = rollBack ? [Y - a, X - b] : [a, b];
    return {
      out: (i, j, c) => moved((i + down) % Y, (j + right) % X, c),
      phase: (axis) => (axis === 0 ? a : b),
    };
  },
});
