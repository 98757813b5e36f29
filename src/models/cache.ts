/** What a model keeps of one text, from token to token. */
import { readSafetensors, writeSafetensors } from "../io/safetensors.ts";
import { ModelError } from "./error.ts";
import type { Memory } from "./memory.ts";
import type { Mixer } from "./plan.ts";
import { type State, stateOf } from "./state.ts";

export class Cache {
  /** What each mixer keeps; nothing of those that keep nothing. */
  readonly states: readonly State[];
  readonly #mark: string;
  #length = 0;
  #released = false;

  constructor(mixers: readonly Mixer[], memory: Memory, mark: string) {
    this.states = mixers.map((mixer) => stateOf(mixer, memory)) as State[];
    this.#mark = mark;
  }

  /** How many tokens it has seen. */
  get length(): number {
    return this.#length;
  }

  /** Bytes of the kernels' memory that it takes. */
  get bytes(): number {
    return this.states.reduce((sum, state) => sum + (state?.bytes ?? 0), 0);
  }

  /** Counts tokens that the model has seen. */
  advance(count: number): void {
    this.#length += count;
  }

  /** Throws if it was released. */
  check(): void {
    if (this.#released) throw new ModelError("cache", "this cache is released; make another with model.cache()");
  }

  /** Everything in it as a safetensors file, for {@link Cache.restore} of a cache of the same model. */
  save(): Uint8Array<ArrayBuffer> {
    this.check();
    const tensors: Record<string, { shape: readonly number[]; data: Float32Array; dtype: "F32" }> = {};
    this.states.forEach((state, i) => {
      state?.save().forEach(({ shape, data }, k) => {
        tensors[`${i}.${k}`] = { shape, data, dtype: "F32" };
      });
    });
    return writeSafetensors(tensors, { length: String(this.#length), model: this.#mark }, "cache");
  }

  /**
   * Takes what {@link save} gave, in place of what it holds.
   *
   * @throws ModelError if that is of another model
   */
  restore(bytes: Uint8Array): void {
    this.check();
    const { tensors, metadata } = readSafetensors(bytes, "cache");
    if (metadata.model !== this.#mark)
      throw new ModelError("cache", `it was saved by another model: expected ${this.#mark}, got ${metadata.model}`);
    this.states.forEach((state, i) => {
      state?.load([tensors[`${i}.0`]!, tensors[`${i}.1`]!]);
    });
    this.#length = Number(metadata.length);
  }

  /** Gives its memory back; twice does no harm. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    for (const state of this.states) state?.release();
  }
}
