import { mechanism, relu, sigmoid, sum, table } from "../page.ts";

/**
 * RWKV-4 channel mixing: the feed-forward half of a block, with the token before mixed in and a gate. Peng et al. 2023,
 * arXiv:2305.13048.
 *
 * $$ x^\bullet_t = \mu_\bullet \odot x_t + (1 - \mu_\bullet) \odot x_{t-1}, \quad
 *    y_t = \operatorname{sigmoid}(x^r_t W^R) \odot \bigl(\operatorname{relu}(x^k_t W^K)^2\, W^V\bigr) $$
 *
 * The token before the first is `last`, zeros by default, and comes out for the next part. Cost: $O(T M F)$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ.
 */
export const rwkv4ChannelMixing = mechanism({
  id: "linear/rwkv-4-channel-mixing",
  name: "RWKV-4 channel mixing",
  paper: "Peng et al., 2023, arXiv:2305.13048",
  code: "huggingface/transformers src/transformers/models/rwkv/modeling_rwkv.py:RwkvFeedForward",
  inputs: { x: "T M", muK: "M", muR: "M", wK: "M F", wV: "F Mo", wR: "M Mo", last: "M = 0" },
  outputs: { out: "T Mo", last: "M" },
  options: {},
  domain: { muK: { usual: [0, 1] }, muR: { usual: [0, 1] } },
  properties: [
    { linear: "wV", outputs: ["out"] },
    { causal: "T", outputs: ["out"] },
    { resumes: "T", states: "last" },
  ],
  run({ x, muK, muR, wK, wV, wR, last }, { T, M, F }) {
    const shifted = (t: number, m: number) => (t === 0 ? last(m) : x(t - 1, m));
    const mixed = (mu: (m: number) => number) => table([T, M], (t, m) => mu(m) * x(t, m) + (1 - mu(m)) * shifted(t, m));
    const [forKey, forGate] = [mixed(muK), mixed(muR)];
    const k = table([T, F], (t, f) => relu(sum(M, (m) => forKey(t, m) * wK(m, f))) ** 2);
    return {
      out: (t, o) => sigmoid(sum(M, (m) => forGate(t, m) * wR(m, o))) * sum(F, (f) => k(t, f) * wV(f, o)),
      last: (m) => x(T - 1, m),
    };
  },
});
