/** A model that is loaded: its plan, its weights in the kernels' memory, and passes through it. */
import { type Kernels, load as loadKernels, PackedWeights, type WasmTensor } from "../wasm.ts";
import { type Architecture, planOf } from "./architectures.ts";
import { attention } from "./blocks/attention.ts";
import { embedPatches, embedTokens } from "./blocks/embedding.ts";
import { experts } from "./blocks/experts.ts";
import { feed } from "./blocks/feed.ts";
import { mamba } from "./blocks/mamba.ts";
import { mamba2 } from "./blocks/mamba2.ts";
import { Cache, type CacheOptions, streamOf } from "./cache.ts";
import { openCheckpoint } from "./checkpoint.ts";
import type { Config } from "./config.ts";
import { ModelError } from "./error.ts";
import { type Loaded, loadWeights, type Progress } from "./load-weights.ts";
import { Memory } from "./memory.ts";
import { type Activations, type Matrix, Ops } from "./ops.ts";
import { checkOptions } from "./options.ts";
import { type PackedFormat, packedFormats } from "./pack-weights.ts";
import type { Pass, Stretch } from "./pass.ts";
import type { Branch, Mixer, Plan } from "./plan.ts";
import { type Rotary, Turns } from "./rotary.ts";
import type { Source } from "./source.ts";
import { loadTokenizer, type Tokenizer } from "./tokenizer.ts";
import { keyOf, productsOf, type Weight, weightsOf } from "./weights.ts";

export interface LoadModelOptions {
  /** Called after each piece that is read. */
  readonly progress?: ((progress: Progress) => void) | undefined;
  /** Ends the loading; what was loaded is given back. */
  readonly signal?: AbortSignal | undefined;
  /** The name of a GGUF file of the source. Default: `config.json` and safetensors. */
  readonly gguf?: string | undefined;
  /**
   * How the matrices of products are held: as floats, in blocks of 32 values of 8 or 4 bits with a scale of their own
   * (`q8_0`, `q4_0`), or in 8 bits with one scale a row (`int8`), which is the fastest and a little less exact than `q8_0`.
   * Default: as they are stored if in Q8_0 or Q4_0, in `q8_0` if in Q4_K or Q6_K, else `float32`. Blocks want columns that
   * are a multiple of 32; matrices of others stay float32, as does all that is no matrix of a product. Of those that are
   * stored the other way round (GPT-2's) the default is float32, since their blocks go along the other axis.
   */
  readonly weights?: PackedFormat | "float32" | undefined;
  /**
   * How products take what they multiply with weights of few bits: `int8` (default), rounded to 8 bits in groups of 32
   * (for weights in `int8` in rows), several times as fast; or `float32`, as it is.
   */
  readonly activations?: Activations | undefined;
  /** Kernels whose memory the model has to itself. Default: `load()` of attnspec/wasm. */
  readonly kernels?: Kernels | undefined;
  /** Default: `tokenizer.json` by @huggingface/tokenizers, loaded when a text is first given. */
  readonly tokenizer?: Tokenizer | undefined;
  /** Architectures beside those there are, by `model_type`. */
  readonly architectures?: Readonly<Record<string, Architecture>> | undefined;
}

/** One sequence of a pass: tokens (or an image), and the cache that knows those before. */
export interface Sequence {
  readonly tokens?: readonly number[];
  /** [C, H, W], normalised as the model wants. */
  readonly pixels?: Float32Array;
  readonly cache?: Cache | undefined;
  /** Tokens the whole text will have, as far as they are known; it chooses among frequencies. Default: those so far. */
  readonly length?: number | undefined;
}

export interface PassOptions {
  /** Logits of which tokens: of the last of each sequence (default), of all, or none. */
  readonly logits?: "last" | "all" | "none";
  /** Whether to give the features of every token, after the last norm. Default false. */
  readonly hidden?: boolean;
  /** Is shown x [rows, width] before each layer; what it is given is a copy. */
  readonly observe?: ((layer: number, x: Float32Array) => void) | undefined;
}

/** Of each sequence, in order: [tokens, …], row after row. */
export interface Passed {
  readonly logits: readonly Float32Array[];
  readonly hidden: readonly Float32Array[];
}

/**
 * Loads a model; see the sources `fromFolder`, `fromUrl`, `fromFiles`, `fromBuffers`.
 *
 * @throws ModelError, FileFormatError or the signal's reason; nothing stays loaded then
 */
export async function loadModel(source: Source, options: LoadModelOptions = {}): Promise<Model> {
  checkOptions("loadModel", options);
  const { signal, progress, gguf, weights: format, activations = "int8" } = options;
  oneOf("weights", format, [...packedFormats, "float32"]);
  oneOf("activations", activations, ["int8", "float32"]);
  const checkpoint = await openCheckpoint(source, signal, gguf);
  const plan = planOf(checkpoint.config, options.architectures);
  const kernels = options.kernels ?? (await loadKernels());
  const memory = new Memory(kernels);
  try {
    const { prefixes } = plan;
    const products = productsOf(plan);
    const reading = { prefixes, format, products, signal, progress };
    const loaded = await loadWeights(checkpoint, weightsOf(plan), memory, reading);
    const tokenizer = async (): Promise<Tokenizer> =>
      options.tokenizer ?? (await loadTokenizer(source, checkpoint.tokenizer));
    return new Model(plan, checkpoint.config, checkpoint.generation, kernels, memory, loaded, activations, tokenizer);
  } catch (error) {
    memory.release();
    throw error;
  }
}

function oneOf(name: string, value: string | undefined, words: readonly string[]): void {
  if (value !== undefined && !words.includes(value))
    throw new ModelError(name, `must be ${words.join(" or ")}, got ${value}`);
}

export class Model {
  readonly plan: Plan;
  readonly config: Config;
  readonly generation: Config;
  readonly kernels: Kernels;
  readonly #memory: Memory;
  readonly #loaded: Loaded;
  readonly #mixers: readonly Mixer[];
  readonly #slots: ReadonlyMap<Mixer, number>;
  readonly #activations: Activations;
  readonly #weights = new WeakMap<Weight, Matrix>();
  readonly #turns = new Map<Rotary, Turns>();
  readonly #openTokenizer: () => Promise<Tokenizer>;
  #tokenizer: Promise<Tokenizer> | undefined;
  #disposed = false;

  constructor(
    plan: Plan,
    config: Config,
    generation: Config,
    kernels: Kernels,
    memory: Memory,
    loaded: Loaded,
    activations: Activations,
    tokenizer: () => Promise<Tokenizer>,
  ) {
    this.plan = plan;
    this.config = config;
    this.generation = generation;
    this.kernels = kernels;
    this.#memory = memory;
    this.#loaded = loaded;
    this.#activations = activations;
    this.#mixers = plan.layers.flat().flatMap(({ mixers }) => mixers.map(({ mixer }) => mixer));
    this.#slots = new Map(this.#mixers.map((mixer, slot) => [mixer, slot]));
    this.#openTokenizer = tokenizer;
  }

  /** The tokenizer, loaded when first asked for. */
  tokenizer(): Promise<Tokenizer> {
    this.#tokenizer ??= this.#openTokenizer();
    return this.#tokenizer;
  }

  /** Whether it writes text token by token. */
  get generates(): boolean {
    return this.plan.head?.at === "each" && !this.#mixers.some((mixer) => mixer.kind === "attention" && !mixer.causal);
  }

  /** Bytes of the kernels' memory that the weights take. */
  get bytes(): number {
    return [...this.#loaded.values()].reduce(
      (sum, weight) => sum + (weight instanceof PackedWeights ? weight.bytes : weight.data.byteLength),
      0,
    );
  }

  /**
   * An empty cache, for one text; give it back with `release()`.
   *
   * @throws ModelError for a window that is no window or does not fit, or of a model with learned positions
   */
  cache(options: CacheOptions = {}): Cache {
    this.#check();
    checkOptions("cache", options);
    const { width, vocabulary, layers } = this.plan;
    const mark = `${this.config.text("model_type")}, ${layers.length} layers, width ${width}, vocabulary ${vocabulary}`;
    return new Cache(this.#mixers, this.#memory, mark, streamOf(options, this.plan));
  }

  /**
   * One pass over the next tokens of one or more sequences, of any lengths, packed behind one another. Caches are
   * advanced by what they were given.
   *
   * @throws ModelError for a token outside the vocabulary, or a text longer than the context; caches stay as they were
   */
  forward(sequences: readonly Sequence[], options: PassOptions = {}): Passed {
    this.#check();
    checkOptions("forward", options);
    const borrowed: Cache[] = [];
    const stretches = this.#stretches(sequences, borrowed);
    const ops = new Ops(this.kernels, this.#memory, this.#activations);
    try {
      const pass = this.#pass(ops, stretches);
      const x = this.#run(sequences, pass, options);
      const result = this.#results(x, pass, options);
      for (const { cache, tokens, length } of sequences) cache?.advance(tokens ?? [], length);
      return result;
    } finally {
      ops.release();
      for (const cache of borrowed) cache.release();
    }
  }

  /** Gives back the weights and all caches; the model cannot be used from then on. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#memory.release();
  }

  #check(): void {
    if (this.#disposed) throw new ModelError("model", "this model is disposed; load it again");
  }

  /** A text that outgrows its frequencies is read again with those of long ones. */
  #renew(cache: Cache, length: number): void {
    const { tokens, span } = cache;
    const outgrown = this.#mixers.some((mixer) => {
      const beyond = (mixer.kind === "attention" && mixer.rotary?.long?.beyond) || Infinity;
      return span <= beyond && beyond < length;
    });
    if (!outgrown || !tokens.length) return;
    cache.clear();
    this.forward([{ tokens, cache, length }], { logits: "none" });
  }

  #stretches(sequences: readonly Sequence[], borrowed: Cache[]): Stretch[] {
    if (!sequences.length) throw new ModelError("forward", "expected at least one sequence, got none");
    sequences.forEach((sequence, i) => {
      this.#checkSequence(sequence, i);
    });
    const { context, embedding } = this.plan;
    let row = 0;
    return sequences.map(({ tokens, cache: given, length = 0 }) => {
      const count = embedding.kind === "patches" ? context : tokens!.length;
      const position = given?.length ?? 0;
      const whole = given?.spanWith(count, length) ?? Math.max(count, length);
      if (given) this.#renew(given, whole);
      // Recurrences always write to a state.
      const cache = given ?? (this.#recurs ? this.cache() : undefined);
      if (cache && !given) borrowed.push(cache);
      for (const state of cache?.states ?? []) state?.reserve(count);
      const stretch = { row, count, position, length: whole, states: cache?.states };
      row += count;
      return stretch;
    });
  }

  #checkSequence({ tokens, pixels, cache }: Sequence, i: number): void {
    cache?.check();
    const { context, embedding, vocabulary } = this.plan;
    if (embedding.kind === "patches" ? !pixels : !tokens?.length)
      throw new ModelError(
        "forward",
        `sequence ${i} has no ${embedding.kind === "patches" ? "pixels, which this model wants" : "tokens"}`,
      );
    const wrong = tokens?.find((token) => !(Number.isInteger(token) && token >= 0 && token < vocabulary));
    if (wrong !== undefined)
      throw new ModelError("tokens", `token ${wrong} is none of the vocabulary: 0 to ${vocabulary - 1}`);
    const all = (cache?.length ?? 0) + (tokens?.length ?? 0);
    if (all > context && !cache?.stream)
      throw new ModelError("tokens", `${all} tokens are longer than the context of ${context}; give fewer`);
  }

  get #recurs(): boolean {
    return this.#mixers.some(({ kind }) => kind === "mamba" || kind === "mamba2");
  }

  #pass(ops: Ops, stretches: readonly Stretch[]): Pass {
    const matrix = (asked: Weight): Matrix => {
      const known = this.#weights.get(asked);
      if (known) return known;
      const found = this.#loaded.get(keyOf(asked))!;
      this.#weights.set(asked, found);
      return found;
    };
    const weight = (asked: Weight) => matrix(asked) as WasmTensor;
    return {
      ...{ ops, stretches, weight, matrix },
      linear: (linear) => ({ weight: matrix(linear.weight), bias: linear.bias && weight(linear.bias) }),
      filters: (linear) => ({ weight: weight(linear.weight), bias: linear.bias && weight(linear.bias) }),
      norm: (norm) => ({ ...norm, weight: weight(norm.weight), bias: norm.bias && weight(norm.bias) }),
      turns: (rotary) => {
        const known = this.#turns.get(rotary);
        if (known) return known;
        const turns = new Turns(rotary);
        this.#turns.set(rotary, turns);
        return turns;
      },
    };
  }

  #run(sequences: readonly Sequence[], pass: Pass, { observe }: PassOptions): WasmTensor {
    const { embedding, layers, norm } = this.plan;
    const x =
      embedding.kind === "tokens"
        ? embedTokens(
            embedding,
            sequences.map(({ tokens }) => tokens!),
            pass,
          )
        : embedPatches(
            embedding,
            sequences.map(({ pixels }) => pixels!),
            pass,
          );
    layers.forEach((layer, i) => {
      observe?.(i, x.data.slice());
      for (const branch of layer) pass.ops.within(() => this.#branch(branch, x, pass));
    });
    return norm ? pass.ops.norm(x, pass.norm(norm), x) : x;
  }

  /** Adds what a branch makes of x to it. */
  #branch({ before, mixers, after, around }: Branch, x: WasmTensor, pass: Pass): void {
    const { ops } = pass;
    const input = before ? ops.norm(x, pass.norm(before)) : x;
    let sum: WasmTensor | undefined;
    for (const { mixer, input: inner, output: outer } of mixers) {
      const y = ops.scaled(this.#mix(mixer, ops.scaled(input, inner), pass), outer);
      if (sum) ops.add(sum, y);
      else sum = y;
    }
    ops.add(x, after ? ops.norm(sum!, pass.norm(after)) : sum!);
    if (around) ops.norm(x, pass.norm(around), x);
  }

  #mix(mixer: Mixer, x: WasmTensor, pass: Pass): WasmTensor {
    const slot = this.#slots.get(mixer)!;
    switch (mixer.kind) {
      case "attention":
        return attention(mixer, x, pass, slot);
      case "feed":
        return feed(mixer, x, pass);
      case "experts":
        return experts(mixer, x, pass);
      case "mamba":
        return mamba(mixer, x, pass, slot);
      case "mamba2":
        return mamba2(mixer, x, pass, slot);
    }
  }

  #results(x: WasmTensor, pass: Pass, { logits = "last", hidden = false }: PassOptions): Passed {
    const { head, width } = this.plan;
    const { stretches, ops } = pass;
    const rowsOf = (tensor: WasmTensor, row: number, count: number) => ops.rows(tensor, row, count).data.slice();
    const features = hidden ? stretches.map(({ row, count }) => rowsOf(x, row, count)) : [];
    if (!head || logits === "none") return { logits: [], hidden: features };
    const wanted = stretches.map(({ row, count }) =>
      head.at === "first" ? { row, count: 1 } : logits === "all" ? { row, count } : { row: row + count - 1, count: 1 },
    );
    const picked = ops.tensor([wanted.reduce((sum, { count }) => sum + count, 0), width]);
    let to = 0;
    for (const { row, count } of wanted) {
      picked.data.set(ops.rows(x, row, count).data, to * width);
      to += count;
    }
    const scores = ops.linear(picked, pass.linear(head));
    ops.cap(scores, head.scale, head.cap);
    let from = 0;
    return {
      hidden: features,
      logits: wanted.map(({ count }) => {
        const own = rowsOf(scores, from, count);
        from += count;
        return own;
      }),
    };
  }
}
