/** The small things of a call in one buffer, since a program may bind eight only. */
import type { Booleans } from "../../wasm/tensor.ts";
import type { GpuCall } from "../call.ts";
import { type FloatsAnywhere, GpuTensor } from "../tensor.ts";

/** Gathers words one after the other. */
export class Extras {
  readonly #pieces: { readonly at: number; readonly words: Uint32Array | GpuTensor<"float32"> }[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Where the integers begin. */
  integers(values: ArrayLike<number>): number {
    return this.#add(new Uint32Array(Int32Array.from(values).buffer), values.length);
  }

  floats(values: FloatsAnywhere): number {
    if (values instanceof GpuTensor) return this.#add(values, values.size);
    const { buffer, byteOffset, length } = values.data;
    return this.#add(new Uint32Array(buffer, byteOffset, length), length);
  }

  bytes({ data }: Booleans): number {
    const padded = new Uint8Array(4 * Math.ceil(data.length / 4));
    padded.set(data);
    return this.#add(new Uint32Array(padded.buffer), padded.length / 4);
  }

  /** All of them on the GPU. */
  on(call: GpuCall): GpuTensor {
    const all = new Int32Array(Math.max(1, this.#size));
    for (const { at, words } of this.#pieces) if (!(words instanceof GpuTensor)) all.set(words, at);
    const tensor = call.words(all);
    for (const { at, words } of this.#pieces)
      if (words instanceof GpuTensor && words.size)
        call.device.copy({ buffer: words.buffer }, { buffer: tensor.buffer, offset: 4 * at }, 4 * words.size);
    return tensor;
  }

  #add(words: Uint32Array | GpuTensor<"float32">, count: number): number {
    const at = this.#size;
    this.#pieces.push({ at, words });
    this.#size += count;
    return at;
  }
}
