/** Writing on: token by token, as text. */
import { breathing } from "./breathing.ts";
import type { Cache, CacheOptions } from "./cache.ts";
import { ModelError } from "./error.ts";
import type { Model, Sequence } from "./model.ts";
import { checkOptions } from "./options.ts";
import { likeliest, logProbabilities, Sampler, type SamplingOptions } from "./sampling.ts";
import { TextStream } from "./text-stream.ts";
import type { Message } from "./tokenizer.ts";

/** A text, its tokens, or a conversation, which is written with the model's own template. */
export type Prompt = string | readonly number[] | readonly Message[];

export interface GenerateOptions extends SamplingOptions, CacheOptions {
  /** Most tokens to write. Default: to the end of the context (none with a window), at most 1024. */
  readonly maxTokens?: number | undefined;
  /** Texts that end the writing; they do not come out. Default none. */
  readonly stop?: readonly string[] | undefined;
  /** Tokens that end it. Default: those of generation_config.json or config.json. */
  readonly endTokens?: readonly number[] | undefined;
  /** Ends it; the iterator throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** How many of the likeliest tokens to give with each. Default 0. */
  readonly alternatives?: number | undefined;
  /** What the model knows already; the prompt comes behind it. Default: nothing. It stays the caller's. */
  readonly cache?: Cache | undefined;
  /** Tokens of prompts in one pass. Default 256. */
  readonly chunk?: number | undefined;
}

export interface Piece {
  /** The text that this token completes, whole characters: perhaps none. */
  readonly text: string;
  /** The token; of the last piece none, if only held text came out. */
  readonly token: number;
  /** ln of its probability, before temperature and the rest. */
  readonly logProbability: number;
  readonly alternatives: readonly { readonly token: number; readonly logProbability: number }[];
  /** Of the last piece: an end token or stop string came, or there was no more room. */
  readonly finish?: "end" | "stop" | "length" | undefined;
}

/**
 * Writes on from a prompt, piece by piece as tokens come. Leaving the loop gives everything back.
 *
 * @throws ModelError for a prompt that is empty or longer than the context, and for options out of range
 */
export async function* generate(
  model: Model,
  prompt: Prompt,
  options: GenerateOptions = {},
): AsyncGenerator<Piece, void, undefined> {
  checkOptions("generate", options);
  const writer = await Writer.start(model, prompt, options);
  const breathe = breathing(options.signal);
  try {
    let logits = (await prefill(model, [writer], options.chunk, breathe))[0]!;
    for (;;) {
      const piece = writer.write(logits);
      yield piece;
      if (piece.finish) return;
      await breathe();
      logits = model.forward([writer.next()]).logits[0]!;
    }
  } finally {
    writer.release();
  }
}

export interface Completion {
  readonly text: string;
  readonly tokens: readonly number[];
  readonly logProbabilities: readonly number[];
  readonly finish: "end" | "stop" | "length";
}

/**
 * Writes on from several prompts at once, of any lengths: each step is one pass over all that are not finished.
 *
 * @throws ModelError as {@link generate}
 */
export async function complete(
  model: Model,
  prompts: readonly Prompt[],
  options: Omit<GenerateOptions, "cache"> = {},
): Promise<Completion[]> {
  checkOptions("complete", options);
  const writers: Writer[] = [];
  const breathe = breathing(options.signal);
  try {
    for (const [i, prompt] of prompts.entries())
      writers.push(
        await Writer.start(model, prompt, {
          ...options,
          ...(options.seed !== undefined && { seed: options.seed + i }),
        }),
      );
    const pieces: Piece[][] = writers.map(() => []);
    const logits = await prefill(model, writers, options.chunk, breathe);
    let open = writers.map((writer, i) => ({ writer, to: pieces[i]!, logits: logits[i]! }));
    while (open.length) {
      open = open.filter(({ writer, to, logits }) => {
        const piece = writer.write(logits);
        to.push(piece);
        return !piece.finish;
      });
      if (!open.length) break;
      await breathe();
      const { logits } = model.forward(open.map(({ writer }) => writer.next()));
      open.forEach((one, i) => {
        one.logits = logits[i]!;
      });
    }
    return pieces.map((of) => ({
      text: of.map(({ text }) => text).join(""),
      tokens: of.map(({ token }) => token),
      logProbabilities: of.map(({ logProbability }) => logProbability),
      finish: of.at(-1)!.finish!,
    }));
  } finally {
    for (const writer of writers) writer.release();
  }
}

/** Reads the prompts, packed behind one another, `chunk` tokens in each pass; the logits behind each. */
async function prefill(
  model: Model,
  writers: readonly Writer[],
  chunk = 256,
  breathe: () => Promise<void>,
): Promise<Float32Array[]> {
  const behind: Float32Array[] = [];
  while (behind.length < writers.length) {
    const parts: { sequence: Sequence; done: boolean }[] = [];
    for (let room = chunk, i = behind.length; room > 0 && i < writers.length; i++) {
      const part = writers[i]!.read(room);
      room -= part.sequence.tokens!.length;
      parts.push(part);
    }
    const { logits } = model.forward(
      parts.map(({ sequence }) => sequence),
      { logits: parts[0]!.done ? "last" : "none" },
    );
    behind.push(...logits.filter((_, i) => parts[i]!.done));
    await breathe();
  }
  return behind;
}

/** One text that is being written. */
class Writer {
  readonly #prompt: readonly number[];
  readonly #options: GenerateOptions;
  readonly #cache: Cache;
  readonly #sampler: Sampler;
  readonly #stream: TextStream;
  readonly #ends: ReadonlySet<number>;
  readonly #most: number;
  #read = 0;
  #last = -1;
  #count = 0;

  static async start(model: Model, prompt: Prompt, options: GenerateOptions): Promise<Writer> {
    options.signal?.throwIfAborted();
    if (!model.generates)
      throw new ModelError("model", `${model.config.text("model_type")} does not write text; use embed or forward`);
    const { tokens, decode } = await prepared(model, prompt, options);
    return new Writer(model, tokens, decode, options);
  }

  private constructor(
    model: Model,
    prompt: readonly number[],
    decode: (tokens: readonly number[]) => string,
    options: GenerateOptions,
  ) {
    const { maxTokens, chunk = 256, stop = [], alternatives = 0, endTokens } = options;
    const need = (name: string, value: number, least: number) => {
      if (!(Number.isSafeInteger(value) && value >= least))
        throw new ModelError(name, `must be a whole number ≥ ${least}, got ${value}`);
    };
    if (stop.includes("")) throw new ModelError("stop", "an empty text ends nothing; leave it out");
    if (maxTokens !== undefined) need("maxTokens", maxTokens, 1);
    need("chunk", chunk, 1);
    need("alternatives", alternatives, 0);
    const { context } = model.plan;
    const { cache: given, window, sinks } = options;
    if (given && (window ?? sinks) !== undefined)
      throw new ModelError("cache", "it has its own window; give window and sinks to model.cache()");
    const known = given?.tokens ?? [];
    const room = (given ? given.stream : window) === undefined ? context - known.length - prompt.length : Infinity;
    if (!prompt.length) throw new ModelError("prompt", "it has no tokens; give at least one");
    if (room < 0)
      throw new ModelError(
        "prompt",
        `it has ${prompt.length} tokens${known.length ? ` behind ${known.length}` : ""}, more than the context of ${context}; shorten it`,
      );
    this.#most = Math.min(maxTokens ?? 1024, room + 1);
    this.#sampler = new Sampler({ ...samplingOf(model), ...samplingGiven(options) }, [...known, ...prompt]);
    this.#stream = new TextStream(decode, stop);
    this.#ends = new Set(endTokens ?? endsOf(model));
    this.#prompt = prompt;
    this.#options = options;
    this.#cache = given ?? model.cache({ window, sinks });
  }

  /** The sequence of the next pass over the prompt, of at most `room` tokens, and whether it is the last one. */
  read(room: number): { sequence: Sequence; done: boolean } {
    const tokens = this.#prompt.slice(this.#read, this.#read + room);
    const length = this.#cache.length + this.#prompt.length - this.#read;
    this.#read += tokens.length;
    return { sequence: { tokens, cache: this.#cache, length }, done: this.#read === this.#prompt.length };
  }

  /** Chooses a token from logits. */
  write(logits: Float32Array): Piece {
    const { alternatives: count = 0 } = this.#options;
    const token = this.#sampler.choose(logits);
    const logProbability = logProbabilities(logits, [token])[0]!;
    if (Number.isNaN(logProbability))
      throw new ModelError("logits", "they are not finite; these weights overflow float32, take others");
    const alternatives = count ? likeliest(logits, count) : [];
    this.#last = token;
    this.#count++;
    const ended = this.#ends.has(token);
    let text = ended ? "" : this.#stream.push(token);
    const full = this.#count >= this.#most;
    if ((ended || full) && !this.#stream.stopped) text += this.#stream.flush();
    const finish = this.#stream.stopped ? "stop" : ended ? "end" : full ? "length" : undefined;
    return { text, token, logProbability, alternatives, finish };
  }

  /** The sequence of the next pass. */
  next(): Sequence {
    return { tokens: [this.#last], cache: this.#cache };
  }

  release(): void {
    if (!this.#options.cache) this.#cache.release();
  }
}

/** The tokens of a prompt; without a tokenizer, text comes out empty. */
async function prepared(model: Model, prompt: Prompt, { stop }: GenerateOptions) {
  if (isTokens(prompt)) {
    const tokenizer = await model.tokenizer().catch((error: unknown) => {
      if (stop?.length) throw error;
      return undefined;
    });
    return { tokens: prompt, decode: tokenizer ? (of: readonly number[]) => tokenizer.decode(of) : () => "" };
  }
  const tokenizer = await model.tokenizer();
  const decode = (of: readonly number[]) => tokenizer.decode(of);
  if (typeof prompt === "string") return { tokens: tokenizer.encode(prompt), decode };
  if (!tokenizer.template)
    throw new ModelError("prompt", "this model has no chat template; give the conversation as one text");
  // A template writes the special tokens itself.
  return { tokens: tokenizer.encode(await tokenizer.template(prompt), true), decode };
}

const isTokens = (prompt: Prompt): prompt is readonly number[] =>
  typeof prompt !== "string" && prompt.every((part: unknown) => typeof part === "number");

/** What generation_config.json says, where it samples at all. */
function samplingOf({ generation }: Model): SamplingOptions {
  const repetitionPenalty = generation.number("repetition_penalty", 1);
  if (!generation.flag("do_sample", false)) return { repetitionPenalty };
  const topK = generation.number("top_k", 50);
  return {
    repetitionPenalty,
    temperature: generation.number("temperature", 1),
    topK: topK > 0 ? topK : Infinity,
    topP: generation.number("top_p", 1),
    minP: generation.number("min_p", 0),
  };
}

const samplingGiven = (options: SamplingOptions): SamplingOptions =>
  Object.fromEntries(
    (["temperature", "topK", "topP", "minP", "repetitionPenalty", "seed"] as const).flatMap((name) =>
      options[name] === undefined ? [] : [[name, options[name]]],
    ),
  );

const endsOf = ({ generation, config }: Model): readonly number[] =>
  generation.has("eos_token_id") ? generation.tokens("eos_token_id") : config.tokens("eos_token_id");
