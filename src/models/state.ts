/** What a mixer keeps of the tokens before: keys and values, or the state of a recurrence. */
import type { WasmTensor } from "../wasm.ts";
import type { Memory } from "./memory.ts";
import type { Attention, Mixer } from "./plan.ts";

interface Saved {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

export interface State {
  /** Its tensors, in the order {@link load} takes them. */
  save(): { readonly shape: readonly number[]; readonly data: Float32Array }[];
  load(tensors: readonly Saved[]): void;
  /** Whether tensors are such as {@link save} gives. */
  accepts(tensors: readonly Saved[]): boolean;
  /** Makes room for `count` more tokens; only between passes memory can be had. */
  reserve(count: number): void;
  /** Forgets all tokens. */
  clear(): void;
  /** Bytes it takes. */
  readonly bytes: number;
  release(): void;
}

/** Which tokens of a text without end are kept: the first `sinks` and the last `window`. */
export interface Stream {
  readonly sinks: number;
  readonly window: number;
}

/** The state of a mixer before the first token; `undefined` of those that keep nothing. */
export function stateOf(mixer: Mixer, memory: Memory, stream?: Stream): State | undefined {
  switch (mixer.kind) {
    case "attention":
      return mixer.causal ? new KeyValues(mixer, memory, stream) : undefined;
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
 * that a later token can see: when the block, an eighth longer than the window, is full, they move to its front. A ring
 * would save the eighth and the moves, but attention would come in two parts that are merged; the moves take about a
 * thousandth of the time of attention over the window, or less: with a quarter of slack, which moves half as often, it was
 * 0.01 to 0.06 % for windows of 128, 512 and 4096 tokens.
 *
 * Of a stream (StreamingLLM, arXiv 2309.17453) those are the first `sinks` tokens and the last `window`, numbered as they
 * stand here. Rotary positions only tell how far apart two tokens are, so it is the sinks that follow: before each token
 * they are written in front of the window, over tokens it has left, and rotated to there from what they were at first.
 * Layers whose own window is shorter have no sinks.
 */
export class KeyValues implements State {
  readonly #memory: Memory;
  readonly #row: readonly [number, number];
  readonly #window: number;
  readonly #sinks: number;
  /** Keys, before they are rotated, and values of the sinks. */
  readonly #first: Record<"keys" | "values", Float32Array> | undefined;
  #keys: WasmTensor;
  #values: WasmTensor;
  #count = 0;

  constructor({ keyHeads, headWidth, window = Infinity }: Attention, memory: Memory, stream?: Stream) {
    this.#memory = memory;
    this.#row = [keyHeads, headWidth];
    const reach = stream ? stream.sinks + stream.window : Infinity;
    const streams = reach <= window && reach < Infinity;
    this.#window = Math.min(window, reach);
    this.#sinks = streams ? stream!.sinks : 0;
    const numbers = () => new Float32Array(this.#sinks * keyHeads * headWidth);
    this.#first = streams ? { keys: numbers(), values: numbers() } : undefined;
    const capacity = Math.min(64, this.#most);
    this.#keys = memory.take([capacity, ...this.#row]);
    this.#values = memory.take([capacity, ...this.#row]);
  }

  /** Rows there is room for at most, but where more come at once. */
  get #most(): number {
    return this.#window + Math.max(32, Math.ceil(this.#window / 8));
  }

  get bytes(): number {
    return this.#keys.data.byteLength + this.#values.data.byteLength;
  }

  reserve(count: number): void {
    const kept = Math.min(this.#count, this.#window - 1);
    const [capacity, needed] = [this.#keys.shape[0]!, kept + count];
    if (this.#count + count <= capacity) return;
    const larger = needed > capacity ? Math.max(needed, Math.min(2 * needed, this.#most)) : undefined;
    this.#keys = this.#moved(this.#keys, kept, larger);
    this.#values = this.#moved(this.#values, kept, larger);
    this.#count = kept;
  }

  /** Whether a token among the first `length` sees sinks that stand elsewhere than at first. */
  overflows(length: number): boolean {
    return this.#first !== undefined && length > this.#window;
  }

  /** Adds `count` tokens for which there is room: where theirs are to be written, and all they see, themselves included. */
  append(count: number, position: number): KeyValueViews {
    const all = this.#count + count;
    const first = this.overflows(position + count) ? all - this.#window : 0;
    const of = (tensor: WasmTensor, from: number, rows: number) =>
      this.#memory.at(tensor.address + 4 * from * this.#row[0] * this.#row[1], [rows, ...this.#row]);
    const views = {
      newKeys: of(this.#keys, this.#count, count),
      newValues: of(this.#values, this.#count, count),
      keys: of(this.#keys, first, all - first),
      values: of(this.#values, first, all - first),
    };
    this.#count = all;
    return views;
  }

  /** Takes what the sinks are from keys that are not rotated yet, and values. */
  keepSinks({ newKeys, newValues }: KeyValueViews, position: number): void {
    if (!this.#first || position >= this.#sinks) return;
    const stride = this.#row[0] * this.#row[1];
    const count = Math.min(this.#sinks - position, newKeys.shape[0]!) * stride;
    this.#first.keys.set(newKeys.data.subarray(0, count), position * stride);
    this.#first.values.set(newValues.data.subarray(0, count), position * stride);
  }

  /** Writes the sinks in front of the window, where they are not there anyway; their keys, which are to be rotated. */
  placeSinks({ keys, values }: KeyValueViews, position: number): WasmTensor | undefined {
    if (!this.#first || !this.#sinks || !this.overflows(position + 1)) return undefined;
    keys.data.set(this.#first.keys);
    values.data.set(this.#first.values);
    return this.#memory.at(keys.address, [this.#sinks, ...this.#row]);
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
    const first = Object.values(this.#first ?? {}).map((data) => ({
      shape: [this.#sinks, ...this.#row],
      data: data.slice(),
    }));
    return [cut(this.#keys), cut(this.#values), ...(this.#sinks ? first : [])];
  }

  accepts(tensors: readonly Saved[]): boolean {
    const kept = tensors[0]?.shape[0] ?? -1;
    const counts = this.#sinks ? [kept, kept, this.#sinks, this.#sinks] : [kept, kept];
    return (
      kept < this.#window &&
      sameShapes(
        tensors,
        counts.map((count) => [count, ...this.#row]),
      )
    );
  }

  load(tensors: readonly Saved[]): void {
    const [keys, values, firstKeys, firstValues] = tensors as [Saved, Saved, ...Saved[]];
    this.clear();
    this.reserve(keys.shape[0]!);
    const { newKeys, newValues } = this.append(keys.shape[0]!, 0);
    newKeys.data.set(keys.data);
    newValues.data.set(values.data);
    if (firstKeys) this.#first!.keys.set(firstKeys.data);
    if (firstValues) this.#first!.values.set(firstValues.data);
  }

  clear(): void {
    this.#count = 0;
  }

  release(): void {
    this.#memory.give(this.#keys);
    this.#memory.give(this.#values);
  }
}

/** Where keys and values of new tokens are written, and all that these see. */
export type KeyValueViews = Readonly<Record<"newKeys" | "newValues" | "keys" | "values", WasmTensor>>;

/** Tensors of fixed size, zero at first. */
export class Recurrence implements State {
  readonly #memory: Memory;
  readonly tensors: readonly WasmTensor[];

  constructor(memory: Memory, shapes: readonly (readonly number[])[]) {
    this.#memory = memory;
    this.tensors = shapes.map((shape) => memory.take(shape));
    this.clear();
  }

  clear(): void {
    for (const tensor of this.tensors) tensor.data.fill(0);
  }

  reserve(): void {}

  get bytes(): number {
    return this.tensors.reduce((sum, tensor) => sum + tensor.data.byteLength, 0);
  }

  save() {
    return this.tensors.map((tensor) => ({ shape: tensor.shape, data: tensor.data.slice() }));
  }

  accepts(tensors: readonly Saved[]): boolean {
    return sameShapes(
      tensors,
      this.tensors.map(({ shape }) => shape),
    );
  }

  load(tensors: readonly Saved[]): void {
    this.tensors.forEach((tensor, i) => {
      tensor.data.set(tensors[i]!.data);
    });
  }

  release(): void {
    for (const tensor of this.tensors) this.#memory.give(tensor);
  }
}

const sameShapes = (tensors: readonly Saved[], shapes: readonly (readonly number[])[]): boolean =>
  tensors.length === shapes.length && tensors.every(({ shape }, i) => String(shape) === String(shapes[i]));
