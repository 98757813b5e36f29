import { largest, mechanism, range, real, softmax, sum, table } from "../page.ts";

/**
 * Visual token boost: image tokens that the vision encoder's class token attends to, in its first layer or strikingly
 * in a late one, get higher scores from the last query of a language decoder, against hallucination. Arif et al. 2025,
 * arXiv:2501.12206; the form of the boost is that of PAI, Liu et al. 2024, arXiv:2407.21771.
 *
 * $$ w_{h,t} = \operatorname{softmax}_s\bigl(z_{h,t,s} + [t = T_q - 1]\, \rho_h\, \beta_s\, |z_{h,t,s}|\bigr), \quad
 *    \beta_s = \begin{cases} \alpha & s - s_0 \in \text{Top} \setminus \text{Bottom} \\ \beta & s - s_0 \in \text{Bottom} \\ 0 & \text{else} \end{cases} $$
 * $$ \text{Bottom} = \{j : b_j > Q_3 + 1.5\,(Q_3 - Q_1)\}, \quad b_j = \sum_h A^{late}_{h,0,1+j}, \quad
 *    \text{Top} = \text{the } \lfloor rN \rfloor \text{ largest } \sum_h A^{first}_{h,0,1+j} \text{ and the } \lfloor r_s N \rfloor \text{ largest } \sum_{h,i} A^{first}_{h,1+j,i} $$
 *
 * The vision maps have the class token first and the $N = T_v - 1$ image tokens after it; image token $j$ is key
 * $s_0 + j$. $Q_1$ and $Q_3$ are quartiles of $b$, interpolated linearly. Of equal scores the earlier token is taken. A
 * score of −∞ is not seen and not boosted. Official code counts the outliers, turns the count into a fraction and back,
 * and takes as many of the largest, which is the same set but where that rounds down to one less. The output `top`
 * leaves out Bottom. The rows of a softmax all sum to 1, so that the spatial stream, as that code defines it, ties on a
 * map nobody edited. Cost: $O(H T_q T_k + H_v T_v^2)$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, there is no image token, or the
 * image tokens do not fit among the keys.
 */
export const dualStreamVisualTokenBoost = mechanism({
  id: "score/dual-stream-visual-token-boost",
  name: "Dual-stream visual token boost",
  paper: "Arif et al., 2025, arXiv:2501.12206",
  code: "hasanar1f/llava-hallunication-fix modPAI/attention.py:llama_new_forward; modPAI/llava/model/multimodal_encoder/clip_encoder.py:update_modpai_alpha",
  ours: "The spatial stream (rs) and the gain of a head (headGain), both inactive in the released code: an image token scores by its own row of the map, where that code's indices would be one off, and the gain multiplies both α and β.",
  inputs: {
    scores: "H Tq Tk",
    vitAttnFirst: "Hv Tv Tv",
    vitAttnLate: "Hv Tv Tv",
    imgStart: "",
    headGain: "H = 1",
  },
  outputs: { weights: "H Tq Tk", top: "N", bottom: "N" },
  options: {
    r: real(0.25, "r, the fraction of image tokens the class token picks in the first layer", {
      min: 0,
      max: 1,
      tried: [0, 0.5, 1],
    }),
    rs: real(0, "r_s, the fraction picked by the spatial stream", { min: 0, max: 1, tried: [0.5] }),
    alpha: real(0.7, "α, the boost of the top tokens", { tried: [0, 1.5] }),
    beta: real(0.3, "β, the boost of the bottom tokens", { tried: [0, 1.5] }),
  },
  axes: { N: (n: { Tv: number }) => n.Tv - 1 },
  tried: { Tv: [2, 3, 5, 6], Tk: [1, 2, 4, 5, 7] },
  requires: { "Tv must be at least 2": (n) => n.Tv >= 2, "Tk must be at least N": (n) => n.Tk >= n.N },
  domain: {
    imgStart: { integers: [0, (n: { Tk: number; N: number }) => n.Tk - n.N] },
    vitAttnFirst: { usual: [0, 1] },
    vitAttnLate: { usual: [0, 1] },
  },
  properties: [
    { unordered: "Hv", outputs: ["top", "bottom"] },
    { equivariant: "H", outputs: ["weights"] },
  ],
  run({ scores, vitAttnFirst, vitAttnLate, imgStart, headGain }, { H, Tq, Hv, Tv, Tk, N }, { r, rs, alpha, beta }) {
    const local = table([N], (j) => sum(Hv, (h) => vitAttnFirst(h, 0, 1 + j)));
    const spatial = table([N], (j) => sum(Hv, (h) => sum(Tv, (i) => vitAttnFirst(h, 1 + j, i))));
    const global = table([N], (j) => sum(Hv, (h) => vitAttnLate(h, 0, 1 + j)));

    const ascending = largest(N, N, (j) => -global(j)).map(global);
    const quantile = (fraction: number) =>
      ascending.reduce((total, b, i) => total + b * Math.max(0, 1 - Math.abs(fraction * (N - 1) - i)), 0);
    const [q1, q3] = [quantile(0.25), quantile(0.75)];
    const bottom = new Set(range(N).filter((j) => global(j) > q3 + 1.5 * (q3 - q1)));
    const picked = new Set([...largest(Math.floor(r * N), N, local), ...largest(Math.floor(rs * N), N, spatial)]);
    const isTop = (j: number) => picked.has(j) && !bottom.has(j);

    const boost = (j: number) => (isTop(j) ? alpha : bottom.has(j) ? beta : 0);
    const boosted = (h: number, t: number, s: number) => {
      const z = scores(h, t, s);
      const factor = t === Tq - 1 ? headGain(h) * boost(s - imgStart()) : 0;
      return z === -Infinity ? z : z + factor * Math.abs(z);
    };
    const weights = table([H, Tq], (h, t) => softmax(Tk, (s) => boosted(h, t, s)));
    return {
      weights: (h, t, s) => weights(h, t).of(s),
      top: (j) => (isTop(j) ? 1 : 0),
      bottom: (j) => (bottom.has(j) ? 1 : 0),
    };
  },
});
