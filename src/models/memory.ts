/** Memory of a model: weights for as long as it lives, and blocks that come and go with caches. */
import { type Format, type Kernels, type Packing, WasmTensor } from "../wasm.ts";

/** Tensors of one region that can be given back in any order. */
export class Memory {
  readonly #kernels: Kernels;
  readonly #region: ReturnType<Kernels["region"]>;
  readonly #free: { readonly address: number; readonly bytes: number }[] = [];
  readonly #taken = new Map<number, number>();
  #open = true;

  constructor(kernels: Kernels) {
    this.#kernels = kernels;
    this.#region = kernels.region();
  }

  /** A tensor; what it holds is undefined until written. */
  take(shape: readonly number[]): WasmTensor {
    const bytes = 4 * shape.reduce((product, length) => product * length, 1);
    let best = -1;
    this.#free.forEach((block, i) => {
      if (block.bytes >= bytes && (best < 0 || block.bytes < this.#free[best]!.bytes)) best = i;
    });
    const block = best < 0 ? { address: this.#region.allocate(bytes), bytes } : this.#free.splice(best, 1)[0]!;
    this.#taken.set(block.address, block.bytes);
    return this.at(block.address, shape);
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

  /** Gives back a tensor that was taken; a later one may lie there. */
  give(tensor: WasmTensor): void {
    const { address } = tensor;
    const bytes = this.#taken.get(address);
    if (bytes === undefined) return;
    this.#taken.delete(address);
    this.#free.push({ address, bytes });
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
