/** Pages that the fused softmax attention implements. */
import type { crossAttention } from "../../../spec/core/cross-attention.ts";
import type { flashAttention } from "../../../spec/core/flash-attention.ts";
import type { multiHeadAttention } from "../../../spec/core/multi-head-attention.ts";
import type { scaledDotProductAttention } from "../../../spec/core/scaled-dot-product-attention.ts";
import type { groupedQueryAttention } from "../../../spec/heads/grouped-query-attention.ts";
import type { multiQueryAttention } from "../../../spec/heads/multi-query-attention.ts";
import type { alibi } from "../../../spec/positional/alibi.ts";
import type { symmetricAlibi } from "../../../spec/positional/symmetric-alibi.ts";
import type { attentionSinkLogit } from "../../../spec/score/attention-sink-logit.ts";
import type { logitSoftcap } from "../../../spec/score/logit-softcap.ts";
import type { softmaxOne } from "../../../spec/score/softmax-one.ts";
import type { slidingWindowAttention } from "../../../spec/sparse/sliding-window-attention.ts";
import type { KernelTensor } from "../../oracle/kernel.ts";
import type { AttentionOptions } from "../attention/options.ts";
import type { Kernels } from "../load.ts";
import type { Floats } from "../tensor.ts";
import { as, booleans, floats, given, type Implementation } from "./adapt.ts";

/** Attention of one head, whose axis the page does not have. */
function oneHead(
  kernels: Kernels,
  { q, k, v, mask, bias }: Record<"q" | "k" | "v", KernelTensor> & Partial<Record<"mask" | "bias", KernelTensor>>,
  options: AttentionOptions,
) {
  const { out, lse } = kernels.attention(as(q, 1, ...q.shape), as(k, 1, ...k.shape), as(v, 1, ...v.shape), {
    mask: booleans(mask),
    bias: given(bias),
    ...options,
  });
  return { out: out.data, lse: lse.data };
}

/** ALiBi's own slopes: 2^(−8(h+1)/P) for the first P heads, P the power of two up to H; every second one of 2P beyond. */
function presetSlopes(heads: number): Floats {
  const power = 2 ** Math.floor(Math.log2(heads));
  const slope = (_: unknown, h: number) =>
    h < power ? 2 ** ((-8 * (h + 1)) / power) : 2 ** ((-4 * (2 * (h - power) + 1)) / power);
  return { shape: [heads], data: Float32Array.from({ length: heads }, slope) };
}

interface Layer {
  readonly heads: number;
  readonly keyHeads: number;
  readonly x: KernelTensor;
  readonly context: KernelTensor;
  readonly weights: Readonly<Record<"wQ" | "wK" | "wV" | "wO", KernelTensor>> &
    Readonly<Partial<Record<"bQ" | "bK" | "bV" | "bO", KernelTensor>>>;
}

/** Projections, attention of all heads and output projection; tokens stay first throughout. */
function layer(kernels: Kernels, { heads, keyHeads, x, context, weights }: Layer, options: AttentionOptions) {
  const project = (from: KernelTensor, w: KernelTensor, bias: KernelTensor | undefined, count: number): Floats => {
    const { data } = kernels.matmul(floats(from), floats(w), { bias: given(bias) });
    return { shape: [from.shape[0]!, count, w.shape[1]! / count], data };
  };
  const { wQ, wK, wV, wO, bQ, bK, bV, bO } = weights;
  const { out } = kernels.attention(
    project(x, wQ, bQ, heads),
    project(context, wK, bK, keyHeads),
    project(context, wV, bV, keyHeads),
    { layout: "tokens-first", ...options },
  );
  const joined = { shape: [x.shape[0]!, wO.shape[0]!], data: out.data };
  return { out: kernels.matmul(joined, floats(wO), { bias: given(bO) }).data };
}

const sdpa: Implementation<typeof scaledDotProductAttention> =
  (kernels) =>
  (inputs, { scale, causal, causalAlign }) =>
    oneHead(kernels, inputs, { scale, causal, align: causalAlign });

const flash: Implementation<typeof flashAttention> =
  (kernels) =>
  (inputs, { scale, causal }) =>
    oneHead(kernels, inputs, { scale, causal });

const slidingWindow: Implementation<typeof slidingWindowAttention> =
  (kernels) =>
  (inputs, { scale, causal, window }) => {
    const { out } = oneHead(kernels, inputs, { scale, causal, left: causal ? window - 1 : window, right: window });
    return { out };
  };

const softcap: Implementation<typeof logitSoftcap> =
  (kernels) =>
  (inputs, { scale, causal, cap }) => {
    const { out } = oneHead(kernels, inputs, { scale, causal, cap });
    return { out };
  };

const plusOne: Implementation<typeof softmaxOne> =
  (kernels) =>
  (inputs, { scale, causal, nOffset }) => {
    const sinks = { shape: [1], data: Float32Array.of(Math.log(nOffset)) };
    const { out } = oneHead(kernels, inputs, { scale, causal, sinks });
    return { out };
  };

const sinkLogit: Implementation<typeof attentionSinkLogit> =
  (kernels) =>
  ({ q, k, v, sinks }, { scale, causal, window }) => {
    const options = { scale, causal, left: window - 1, sinks: floats(sinks) };
    return { out: kernels.attention(floats(q), floats(k), floats(v), options).out };
  };

const linearBiases: Implementation<typeof alibi> =
  (kernels) =>
  ({ q, k, v, slopes }, { symmetric }) => {
    const options = { causal: !symmetric, slopes: given(slopes) ?? presetSlopes(q.shape[0]!) };
    return { out: kernels.attention(floats(q), floats(k), floats(v), options).out };
  };

const symmetricBiases: Implementation<typeof symmetricAlibi> =
  (kernels) =>
  ({ q, k, v, mask, slopes }) => {
    const options = { mask: booleans(mask), slopes: given(slopes) ?? presetSlopes(q.shape[0]!) };
    return { out: kernels.attention(floats(q), floats(k), floats(v), options).out };
  };

const multiHead: Implementation<typeof multiHeadAttention> =
  (kernels) =>
  ({ x, mask, bias, headBias, ...weights }, { heads, scale, causal }) =>
    bias && headBias
      ? { decline: "one bias at a time: add bias to headBias first" }
      : layer(
          kernels,
          { heads, keyHeads: heads, x, context: x, weights },
          { scale, causal, mask: booleans(mask), bias: given(bias ?? headBias) },
        );

const cross: Implementation<typeof crossAttention> =
  (kernels) =>
  ({ x, context, keyMask, ...weights }, { heads, scale }) =>
    layer(kernels, { heads, keyHeads: heads, x, context, weights }, { scale, mask: booleans(keyMask) });

const groupedQuery: Implementation<typeof groupedQueryAttention> =
  (kernels) =>
  ({ x, ...weights }, { heads, kvHeads, scale, causal }) =>
    layer(kernels, { heads, keyHeads: kvHeads, x, context: x, weights }, { scale, causal });

const multiQuery: Implementation<typeof multiQueryAttention> =
  (kernels) =>
  ({ x, context, ...weights }, { heads, scale, causal }) =>
    layer(kernels, { heads, keyHeads: 1, x, context: context ?? x, weights }, { scale, causal });

export const softmax = {
  "core/cross-attention": cross,
  "core/flash-attention": flash,
  "core/multi-head-attention": multiHead,
  "core/scaled-dot-product-attention": sdpa,
  "heads/grouped-query-attention": groupedQuery,
  "heads/multi-query-attention": multiQuery,
  "positional/alibi": linearBiases,
  "positional/symmetric-alibi": symmetricBiases,
  "score/attention-sink-logit": sinkLogit,
  "score/logit-softcap": softcap,
  "score/softmax-one": plusOne,
  "sparse/sliding-window-attention": slidingWindow,
} as const;
