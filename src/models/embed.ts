/** Texts as vectors. */
import { breathing } from "./breathing.ts";
import { ModelError } from "./error.ts";
import type { Model } from "./model.ts";
import { checkOptions } from "./options.ts";

export interface EmbedOptions {
  /** The mean over the tokens (default), the first token or the last one. */
  readonly pooling?: "mean" | "cls" | "last" | undefined;
  /** Whether the vectors have length 1. Default true. */
  readonly normalize?: boolean | undefined;
  /** Tokens of one pass, over which texts are packed; a longer text has a pass of its own. Default 256: more are no faster. */
  readonly batch?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The vector of each text (or its tokens), in order.
 *
 * @throws ModelError for a text longer than the context, and for options out of range
 */
export async function embed(
  model: Model,
  texts: readonly (string | readonly number[])[],
  options: EmbedOptions = {},
): Promise<Float32Array[]> {
  checkOptions("embed", options);
  if (!Array.isArray(texts))
    throw new ModelError("texts", `must be an array of texts or of tokens, got ${typeof texts}`);
  const { pooling = "mean", normalize = true, batch = 256, signal } = options;
  if (!["mean", "cls", "last"].includes(pooling))
    throw new ModelError("pooling", `must be mean, cls or last, got ${pooling}`);
  if (!(Number.isSafeInteger(batch) && batch >= 1))
    throw new ModelError("batch", `must be a whole number ≥ 1, got ${batch}`);
  const tokenizer = texts.some((text) => typeof text === "string") ? await model.tokenizer() : undefined;
  const tokens = texts.map((text) => (typeof text === "string" ? tokenizer!.encode(text) : text));
  const { context, width } = model.plan;
  tokens.forEach(({ length }, i) => {
    if (length === 0 || length > context)
      throw new ModelError(`text ${i}`, `it has ${length} tokens, expected 1 to ${context}`);
  });
  const vectors: Float32Array[] = [];
  const breathe = breathing(signal);
  for (let first = 0; first < tokens.length; ) {
    await breathe();
    let [last, count] = [first, 0];
    while (last < tokens.length && (last === first || count + tokens[last]!.length <= batch))
      count += tokens[last++]!.length;
    const pass = tokens.slice(first, last).map((of) => ({ tokens: of }));
    for (const hidden of model.forward(pass, { logits: "none", hidden: true }).hidden) {
      const vector = pool(hidden, width, pooling);
      vectors.push(normalize ? unit(vector) : vector);
    }
    first = last;
  }
  return vectors;
}

function pool(hidden: Float32Array, width: number, pooling: "mean" | "cls" | "last"): Float32Array {
  const count = hidden.length / width;
  if (pooling === "cls") return hidden.slice(0, width);
  if (pooling === "last") return hidden.slice(-width);
  const sums = new Float64Array(width);
  for (let i = 0; i < hidden.length; i++) sums[i % width]! += hidden[i]!;
  return Float32Array.from(sums, (sum) => sum / count);
}

function unit(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector);
  return length ? vector.map((value) => value / length) : vector;
}
