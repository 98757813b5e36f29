/** Pages that the decode step answers too: those of the fused attention, with the step in its place. */
import type { scaledDotProductAttention } from "../../spec/core/scaled-dot-product-attention.ts";
import type { Implementation } from "./adapt.ts";
import type { Calls } from "./calls.ts";
import { softmax } from "./softmax.ts";

/** The same kernels, whose attention is the decode step. */
const stepping = (kernels: Calls): Calls => ({
  ...kernels,
  attention(q, k, v, { causal = false, align: _, ...options } = {}) {
    return kernels.decode(q, k, v, { causal, ...options });
  },
});

const over =
  <M>(implementation: Implementation<M>): Implementation<M> =>
  (kernels) =>
    implementation(stepping(kernels));

const sdpa: Implementation<typeof scaledDotProductAttention> = (kernels) => {
  const kernel = softmax["core/scaled-dot-product-attention"](stepping(kernels));
  return (inputs, options) =>
    options.causal && options.causalAlign === "top-left"
      ? { decline: "the last query stands beside the last key" }
      : kernel(inputs, options);
};

export const decode = {
  "core/cross-attention": over(softmax["core/cross-attention"]),
  "core/flash-attention": over(softmax["core/flash-attention"]),
  "core/multi-head-attention": over(softmax["core/multi-head-attention"]),
  "core/scaled-dot-product-attention": sdpa,
  "heads/grouped-query-attention": over(softmax["heads/grouped-query-attention"]),
  "heads/multi-query-attention": over(softmax["heads/multi-query-attention"]),
  "positional/alibi": over(softmax["positional/alibi"]),
  "positional/symmetric-alibi": over(softmax["positional/symmetric-alibi"]),
  "score/attention-sink-logit": over(softmax["score/attention-sink-logit"]),
  "score/logit-softcap": over(softmax["score/logit-softcap"]),
  "score/softmax-one": over(softmax["score/softmax-one"]),
  "sparse/sliding-window-attention": over(softmax["sparse/sliding-window-attention"]),
} as const;
