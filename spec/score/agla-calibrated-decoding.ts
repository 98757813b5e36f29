import { maximum, mechanism, range, real, softmax } from "../page.ts";

/**
 * Calibrated decoding of AGLA: the next-token logits of the image are added to those of the same image with all but the
 * regions relevant to the prompt masked out; only tokens that are plausible by the first stay. An et al. 2024,
 * arXiv:2406.12718.
 *
 * $$ p = \operatorname{softmax}_{c \in V}\bigl(z_c + \alpha z'_c\bigr), \quad
 *    V = \bigl\{c : z_c \ge \ln\beta + \max_{c'} z_{c'}\bigr\} $$
 *
 * $V$ is the tokens whose probability under $z$ is at least $\beta$ times the largest, that one included; the others
 * get 0. The two logits are added, where contrastive decoding subtracts. At $\beta = 1$ only the tokens tied for the
 * largest logit stay. The paper also reports larger $\alpha$; 1 is the default of the official code. A temperature or
 * another processor would act on the sum, after the cut. Cost: $O(C)$.
 * Throws {@link PageError}, naming the argument, if the two vocabularies differ in size.
 */
export const aglaCalibratedDecoding = mechanism({
  id: "score/agla-calibrated-decoding",
  name: "Assembly of global and local logits (AGLA)",
  paper: "An et al., 2024, arXiv:2406.12718",
  code: "Lackel/AGLA eval/sample.py:sample",
  inputs: { z: "C", zAug: "C" },
  outputs: { p: "C" },
  options: {
    alpha: real(1, "α, the weight of the masked image's logits", { tried: [0, 2] }),
    beta: real(0.5, "β, the least plausibility relative to the likeliest token", {
      above: 0,
      max: 1,
      tried: [0.01, 0.1, 1],
    }),
  },
  properties: [{ equivariant: "C" }],
  run({ z, zAug }, { C }, { alpha, beta }) {
    const cutoff = Math.log(beta) + maximum(C, z);
    const plausible = range(C).filter((c) => z(c) >= cutoff);
    const p = softmax(plausible, (c) => z(c) + alpha * zAug(c));
    return { p: (c) => p.of(c) };
  },
});
