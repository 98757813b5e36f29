/** What a mixer keeps of the tokens before: keys and values, or the state of a recurrence. */
import type { WasmTensor } from "../wasm.ts";
import type { Memory } from "./memory.ts";
import type { Attention, Mixer } from "./plan.ts";

export interface State {
  /** Its tensors, in the order {@link load} takes them. */
  save(): { readonly shape: readonly number[]; readonly data: Float32Array }[];
  load(tensors: readonly { readonly shape: readonly number[]; readonly data: ArrayLike<number> }[]): void;
  /** Makes room for `count` more tokens; only between passes memory can be had. */
  reserve(count: number): void;
  /** Bytes it takes. */
  readonly bytes: number;
  release(): void;
}

/** The state of a mixer before the first token; `undefined` of those that keep nothing. */
export function stateOf(mixer: Mixer, memory: Memory): State | undefined {
  switch (mixer.kind) {
    case "attention":
      return mixer.causal ? new KeyValues(mixer, memory) : undefined;
    case "mamba":
      return new Recurrence(memory, [
        [mixer.convolution.weight.shape[1]! - 1, mixer.inner],
        [mixer.inner, mixer.state],
      ]);
    case "mamba2": {
      const { heads, headWidth, groups, state } = mixer;
      return new Recurrence(memory, [
        [mixer.convolution.weight.shape[1]! - 1, heads * headWidth + 2 * groups * state],
        [heads, headWidth, state],
      ]);
    }
    default:
      return undefined;
  }
}

/**
 * Keys and values of the tokens before, [tokens, heads, width], in the order of the tokens. With a window only those
 * that a later token can see: when the block is full they move to its front, so that a block of about twice the window
 * is written over and over.
 */
export class KeyValues implements State {
  readonly #memory: Memory;
  readonly #row: readonly [number, number];
  readonly #window: number;
  #keys: WasmTensor;
  #values: WasmTensor;
  #count = 0;

  constructor({ keyHeads, headWidth, window = Infinity }: Attention, memory: Memory) {
    this.#memory = memory;
    this.#row = [keyHeads, headWidth];
    this.#window = window;
    const capacity = Math.min(64, 2 * window);
    this.#keys = memory.take([capacity, ...this.#row]);
    this.#values = memory.take([capacity, ...this.#row]);
  }

  get bytes(): number {
    return this.#keys.data.byteLength + this.#values.data.byteLength;
  }

  reserve(count: number): void {
    const kept = Math.min(this.#count, this.#window - 1);
    const [capacity, needed] = [this.#keys.shape[0]!, kept + count];
    if (this.#count + count <= capacity) return;
    const larger = needed > capacity ? Math.max(needed, Math.min(2 * needed, 2 * this.#window)) : undefined;
    this.#keys = this.#moved(this.#keys, kept, larger);
    this.#values = this.#moved(this.#values, kept, larger);
    this.#count = kept;
  }

  /** Adds `count` tokens for which there is room: where theirs are to be written, and all there are with them. */
  append(count: number): Record<"newKeys" | "newValues" | "keys" | "values", WasmTensor> {
    const all = this.#count + count;
    const of = (tensor: WasmTensor, from: number, rows: number) =>
      this.#memory.at(tensor.address + 4 * from * this.#row[0] * this.#row[1], [rows, ...this.#row]);
    const views = {
      newKeys: of(this.#keys, this.#count, count),
      newValues: of(this.#values, this.#count, count),
      keys: of(this.#keys, 0, all),
      values: of(this.#values, 0, all),
    };
    this.#count = all;
    return views;
  }

  /** The last `kept` rows at the front, of a block of another capacity if one is given. */
  #moved(tensor: WasmTensor, kept: number, capacity: number | undefined): WasmTensor {
    const stride = this.#row[0] * this.#row[1];
    const from = (this.#count - kept) * stride;
    if (capacity === undefined) {
      tensor.data.copyWithin(0, from, from + kept * stride);
      return tensor;
    }
    const larger = this.#memory.take([capacity, ...this.#row]);
    larger.data.set(tensor.data.subarray(from, from + kept * stride));
    this.#memory.give(tensor);
    return larger;
  }

  save() {
    const kept = Math.min(this.#count, this.#window - 1);
    const stride = this.#row[0] * this.#row[1];
    const cut = (tensor: WasmTensor) => ({
      shape: [kept, ...this.#row],
      data: tensor.data.slice((this.#count - kept) * stride, this.#count * stride),
    });
    return [cut(this.#keys), cut(this.#values)];
  }

  load(tensors: Parameters<State["load"]>[0]): void {
    const [keys, values] = tensors as [(typeof tensors)[0], (typeof tensors)[0]];
    this.#count = 0;
    this.reserve(keys.shape[0]!);
    const { newKeys, newValues } = this.append(keys.shape[0]!);
    newKeys.data.set(keys.data);
    newValues.data.set(values.data);
  }

  release(): void {
    this.#memory.give(this.#keys);
    this.#memory.give(this.#values);
  }
}

/** Tensors of fixed size, zero at first. */
export class Recurrence implements State {
  readonly #memory: Memory;
  readonly tensors: readonly WasmTensor[];

  constructor(memory: Memory, shapes: readonly (readonly number[])[]) {
    this.#memory = memory;
    this.tensors = shapes.map((shape) => memory.take(shape));
    for (const tensor of this.tensors) tensor.data.fill(0);
  }

  reserve(): void {}

  get bytes(): number {
    return this.tensors.reduce((sum, tensor) => sum + tensor.data.byteLength, 0);
  }

  save() {
    return this.tensors.map((tensor) => ({ shape: tensor.shape, data: tensor.data.slice() }));
  }

  load(tensors: Parameters<State["load"]>[0]): void {
    this.tensors.forEach((tensor, i) => {
      tensor.data.set(tensors[i]!.data);
    });
  }

  release(): void {
    for (const tensor of this.tensors) this.#memory.give(tensor);
  }
}
