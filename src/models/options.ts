/** The names of every call's options. */
import { type Names, refuseUnknown } from "../wasm/known-options.ts";
import type { CacheOptions } from "./cache.ts";
import type { EmbedOptions } from "./embed.ts";
import { ModelError } from "./error.ts";
import type { GenerateOptions } from "./generate.ts";
import type { LoadModelOptions, PassOptions } from "./model.ts";
import type { QuantiseOptions } from "./quantise.ts";
import type { SamplingOptions } from "./sampling.ts";
import type { UrlOptions } from "./sources/url.ts";

const cache: Names<CacheOptions> = { window: true, sinks: true };
const sampling: Names<SamplingOptions> = {
  temperature: true,
  topK: true,
  topP: true,
  minP: true,
  repetitionPenalty: true,
  seed: true,
};
const complete: Names<Omit<GenerateOptions, "cache">> = {
  maxTokens: true,
  stop: true,
  endTokens: true,
  signal: true,
  alternatives: true,
  chunk: true,
  ...sampling,
  ...cache,
};
const generate: Names<GenerateOptions> = { ...complete, cache: true };
const embed: Names<EmbedOptions> = { pooling: true, normalize: true, batch: true, signal: true };
const forward: Names<PassOptions> = { logits: true, hidden: true, observe: true };
const fromUrl: Names<UrlOptions> = { headers: true, fetch: true };
const loadModel: Names<LoadModelOptions> = {
  progress: true,
  signal: true,
  gguf: true,
  weights: true,
  activations: true,
  kernels: true,
  tokenizer: true,
  architectures: true,
};
const quantise: Names<QuantiseOptions> = { encoding: true, signal: true, progress: true };

const known = { cache, complete, embed, forward, fromUrl, generate, loadModel, quantise };

/** @throws ModelError naming the first option that the call does not have, and those it has */
export function checkOptions(call: keyof typeof known, options: unknown): void {
  refuseUnknown(options, known[call], (name, problem) => {
    throw new ModelError(`${call}: ${name}`, problem);
  });
}
