/** Pages that the fused softmax attention implements. */
import type { crossAttention } from "../../spec/core/cross-attention.ts";
import type { flashAttention } from "../../spec/core/flash-attention.ts";
import type { multiHeadAttention } from "../../spec/core/multi-head-attention.ts";
import type { scaledDotProductAttention } from "../../spec/core/scaled-dot-product-attention.ts";
import type { groupedQueryAttention } from "../../spec/heads/grouped-query-attention.ts";
import type { multiQueryAttention } from "../../spec/heads/multi-query-attention.ts";
import type { alibi } from "../../spec/positional/alibi.ts";
import type { symmetricAlibi } from "../../spec/positional/symmetric-alibi.ts";
import type { attentionSinkLogit } from "../../spec/score/attention-sink-logit.ts";
import type { logitSoftcap } from "../../spec/score/logit-softcap.ts";
import type { softmaxOne } from "../../spec/score/softmax-one.ts";
import type { slidingWindowAttention } from "../../spec/sparse/sliding-window-attention.ts";
import type { KernelTensor } from "../oracle/kernel.ts";
import type { Floats } from "../wasm/tensor.ts";
import { booleans, floats, given, type Implementation, oneHead } from "./adapt.ts";
import { filled } from "./arrays.ts";
import type { Calls } from "./calls.ts";
import { joined, projected } from "./projections.ts";

/** Options of attention that change what comes out, not where. */
type Options = Parameters<Calls["attention"]>[3];

/** Attention of one head, whose axis the page does not have. */
async function single(
  kernels: Calls,
  { q, k, v, mask, bias }: Record<"q" | "k" | "v", KernelTensor> & Partial<Record<"mask" | "bias", KernelTensor>>,
  options: Options,
) {
  const { out, lse } = await kernels.attention(oneHead(q), oneHead(k), oneHead(v), {
    mask: booleans(mask),
    bias: given(bias),
    ...options,
  });
  return { out: out.data, lse: lse.data };
}

/** ALiBi's own slopes: 2^(−8(h+1)/P) for the first P heads, P the power of two up to H; every second one of 2P beyond. */
function presetSlopes(heads: number): Floats {
  const power = 2 ** Math.floor(Math.log2(heads));
  return filled([heads], (h) =>
    h < power ? 2 ** ((-8 * (h + 1)) / power) : 2 ** ((-4 * (2 * (h - power) + 1)) / power),
  );
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
async function layer(kernels: Calls, { heads, keyHeads, x, context, weights }: Layer, options: Options) {
  const { wQ, wK, wV, wO, bQ, bK, bV, bO } = weights;
  const [q, k, v] = await Promise.all([
    projected(kernels, x, wQ, heads, bQ),
    projected(kernels, context, wK, keyHeads, bK),
    projected(kernels, context, wV, keyHeads, bV),
  ]);
  const { out } = await kernels.attention(q, k, v, { layout: "tokens-first", ...options });
  return { out: await joined(kernels, out, wO, bO) };
}

const sdpa: Implementation<typeof scaledDotProductAttention> =
  (kernels) =>
  (inputs, { scale, causal, causalAlign }) =>
    single(kernels, inputs, { scale, causal, align: causalAlign });

const flash: Implementation<typeof flashAttention> =
  (kernels) =>
  (inputs, { scale, causal }) =>
    single(kernels, inputs, { scale, causal });

const slidingWindow: Implementation<typeof slidingWindowAttention> =
  (kernels) =>
  async (inputs, { scale, causal, window }) => {
    const { out } = await single(kernels, inputs, { scale, causal, left: causal ? window - 1 : window, right: window });
    return { out };
  };

const softcap: Implementation<typeof logitSoftcap> =
  (kernels) =>
  async (inputs, { scale, causal, cap }) => {
    const { out } = await single(kernels, inputs, { scale, causal, cap });
    return { out };
  };

const plusOne: Implementation<typeof softmaxOne> =
  (kernels) =>
  async (inputs, { scale, causal, nOffset }) => {
    const sinks = { shape: [1], data: Float32Array.of(Math.log(nOffset)) };
    const { out } = await single(kernels, inputs, { scale, causal, sinks });
    return { out };
  };

const sinkLogit: Implementation<typeof attentionSinkLogit> =
  (kernels) =>
  async ({ q, k, v, sinks }, { scale, causal, window }) => {
    const options = { scale, causal, left: window - 1, sinks: floats(sinks) };
    return { out: (await kernels.attention(floats(q), floats(k), floats(v), options)).out };
  };

const linearBiases: Implementation<typeof alibi> =
  (kernels) =>
  async ({ q, k, v, slopes }, { symmetric }) => {
    const options = { causal: !symmetric, slopes: given(slopes) ?? presetSlopes(q.shape[0]!) };
    return { out: (await kernels.attention(floats(q), floats(k), floats(v), options)).out };
  };

const symmetricBiases: Implementation<typeof symmetricAlibi> =
  (kernels) =>
  async ({ q, k, v, mask, slopes }) => {
    const options = { mask: booleans(mask), slopes: given(slopes) ?? presetSlopes(q.shape[0]!) };
    return { out: (await kernels.attention(floats(q), floats(k), floats(v), options)).out };
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
