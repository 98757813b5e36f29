/** What a model keeps of one text, from token to token. */
import { readSafetensors, type WritableTensor, writeSafetensors } from "../io/safetensors.ts";
import { ModelError } from "./error.ts";
import type { Memory } from "./memory.ts";
import type { Mixer, Plan } from "./plan.ts";
import { type State, type Stream, stateOf } from "./state.ts";

export interface CacheOptions {
  /** How many tokens at the end are kept, so that a text may be longer than the context. Default: all tokens are kept. */
  readonly window?: number | undefined;
  /** With a window: how many tokens at the beginning are kept too. Default 4. */
  readonly sinks?: number | undefined;
}

export class Cache {
  /** What each mixer keeps; nothing of those that keep nothing. */
  readonly states: readonly State[];
  /** Of a text without end: which tokens are kept. */
  readonly stream: Stream | undefined;
  readonly #mark: string;
  #tokens: number[] = [];
  #span = 0;
  #released = false;

  constructor(mixers: readonly Mixer[], memory: Memory, mark: string, stream?: Stream) {
    this.states = mixers.map((mixer) => stateOf(mixer, memory, stream)) as State[];
    this.stream = stream;
    this.#mark = stream ? `${mark}, the first ${stream.sinks} and last ${stream.window} tokens` : mark;
  }

  /** The tokens it has seen. */
  get tokens(): readonly number[] {
    return this.#tokens;
  }

  /** How many tokens it has seen. */
  get length(): number {
    return this.#tokens.length;
  }

  /** Bytes of the kernels' memory that it takes. */
  get bytes(): number {
    return this.states.reduce((sum, state) => sum + (state?.bytes ?? 0), 0);
  }

  /** How long the text was said to become when its last tokens were read. */
  get span(): number {
    return this.#span;
  }

  /** The same with `count` more tokens in a text of `length`; of a stream no more than is kept. */
  spanWith(count: number, length = 0): number {
    const { sinks, window } = this.stream ?? { sinks: 0, window: Infinity };
    return Math.min(sinks + window, Math.max(this.#span, this.length + count, length));
  }

  /** Notes tokens that the model has seen, of a text of `length`. */
  advance(tokens: readonly number[], length?: number): void {
    this.#span = this.spanWith(tokens.length, length);
    for (const token of tokens) this.#tokens.push(token);
  }

  /** Forgets all tokens. */
  clear(): void {
    this.#tokens = [];
    this.#span = 0;
    for (const state of this.states) state?.clear();
  }

  /** Throws if it was released. */
  check(): void {
    if (this.#released) throw new ModelError("cache", "this cache is released; make another with model.cache()");
  }

  /** Everything in it as a safetensors file, for {@link Cache.restore} of a cache of the same model. */
  save(): Uint8Array<ArrayBuffer> {
    this.check();
    const tensors: Record<string, WritableTensor> = {
      tokens: { shape: [this.length], data: Int32Array.from(this.#tokens), dtype: "I32" },
    };
    this.states.forEach((state, i) => {
      state?.save().forEach(({ shape, data }, k) => {
        tensors[`${i}.${k}`] = { shape, data, dtype: "F32" };
      });
    });
    return writeSafetensors(tensors, { model: this.#mark, span: String(this.#span) }, "cache");
  }

  /**
   * Takes what {@link save} gave, in place of what it holds.
   *
   * @throws ModelError if that is of another model, FileFormatError if it is not whole; it stays as it was then
   */
  restore(bytes: Uint8Array): void {
    this.check();
    const { tensors, metadata } = readSafetensors(bytes, "cache");
    if (metadata.model !== this.#mark)
      throw new ModelError("cache", `it was saved by another model: expected ${this.#mark}, got ${metadata.model}`);
    const of = (i: number) => [0, 1, 2, 3].flatMap((k) => tensors[`${i}.${k}`] ?? []);
    if (!tensors.tokens || this.states.some((state, i) => state && !state.accepts(of(i))))
      throw new ModelError("cache", "what it holds does not fit this model; give what save() gave, unchanged");
    this.states.forEach((state, i) => {
      state?.load(of(i));
    });
    this.#tokens = Array.from(tensors.tokens.data, Number);
    this.#span = Number(metadata.span);
  }

  /** Gives its memory back; twice does no harm. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    for (const state of this.states) state?.release();
  }
}

/** Which tokens a cache of a model is to keep. */
export function streamOf({ window, sinks }: CacheOptions, { embedding, context }: Plan): Stream | undefined {
  const need = (name: string, value: number, least: number) => {
    if (!(Number.isSafeInteger(value) && value >= least))
      throw new ModelError(name, `must be a whole number ≥ ${least}, got ${value}`);
  };
  if (window === undefined) {
    if (sinks !== undefined) throw new ModelError("sinks", `${sinks} are kept beside a window; give window too`);
    return undefined;
  }
  const first = sinks ?? 4;
  need("window", window, 1);
  need("sinks", first, 0);
  if (first + window > context)
    throw new ModelError("window", `${first} + ${window} tokens are more than the context of ${context}; give less`);
  if (embedding.kind === "tokens" && embedding.positions)
    throw new ModelError("window", "this model has learned positions, which end with the context; leave window out");
  return { sinks: first, window };
}
