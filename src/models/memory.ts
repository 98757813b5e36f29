/** Memory of a model: weights for as long as it lives, and blocks that come and go with caches. */
import { type Format, type Kernels, type Packing, WasmTensor } from "../wasm.ts";

/** Tensors of one region that can be given back in any order. */
export class Memory {
  readonly #kernels: Kernels;
  readonly #region: ReturnType<Kernels["region"]>;
  /** Blocks that were given back, no two beside one another. */
  #free: { readonly address: number; readonly bytes: number }[] = [];
  readonly #taken = new Map<number, number>();
  #open = true;

  constructor(kernels: Kernels) {
    this.#kernels = kernels;
    this.#region = kernels.region();
  }

  /** A tensor; what it holds is undefined until written. */
  take(shape: readonly number[]): WasmTensor {
    // Whole lines of the cache, so that what is left of a block begins with one.
    const bytes = 64 * Math.ceil(shape.reduce((product, length) => product * length, 1) / 16);
    let best = -1;
    this.#free.forEach((block, i) => {
      if (block.bytes >= bytes && (best < 0 || block.bytes < this.#free[best]!.bytes)) best = i;
    });
    const { address, bytes: room } = this.#free[best] ?? { address: this.#region.allocate(bytes), bytes };
    if (best >= 0)
      this.#free.splice(best, 1, ...(room > bytes ? [{ address: address + bytes, bytes: room - bytes }] : []));
    this.#taken.set(address, bytes);
    return this.at(address, shape);
  }

  /** Room for quantised weights [N, K], which stay until all is given back. */
  packing(shape: readonly number[], format: Format): Packing {
    return this.#kernels.packing(shape, format, this.#region);
  }

  /** Makes the memory as large as these many bytes more need, at once: growing it often takes time. */
  reserve(bytes: number): void {
    const room = this.#kernels.region();
    try {
      room.allocate(bytes);
    } finally {
      room.release();
    }
  }

  /** Gives back a tensor that was taken; later ones may lie there, and in what else is free beside it. */
  give(tensor: WasmTensor): void {
    const { address } = tensor;
    const bytes = this.#taken.get(address);
    if (bytes === undefined) return;
    this.#taken.delete(address);
    const end = address + bytes;
    const before = this.#free.find((block) => block.address + block.bytes === address);
    const after = this.#free.find((block) => block.address === end);
    this.#free = this.#free.filter((block) => block !== before && block !== after);
    const from = before?.address ?? address;
    this.#free.push({ address: from, bytes: (after ? after.address + after.bytes : end) - from });
  }

  /** A tensor over memory that was taken already. */
  at(address: number, shape: readonly number[]): WasmTensor {
    return new WasmTensor(this.#kernels.arena, address, shape, () => this.#open);
  }

  /** Gives back everything. */
  release(): void {
    this.#open = false;
    this.#region.release();
  }
}
