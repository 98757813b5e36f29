/** Memory of the kernels, handed out in regions. */
import { KernelError } from "./error.ts";
import { WasmTensor } from "./tensor.ts";

const pageBytes = 65536;
/** Vectors are 16 bytes; lines of the cache are 64. */
const alignment = 64;

export interface ArenaOptions {
  /** Grows when it must. Default: a new one, of one page at first. */
  readonly memory?: WebAssembly.Memory | undefined;
  /** The first byte that may be handed out. Default: the end of `memory` if one is given, so that nothing in it is touched. */
  readonly from?: number | undefined;
  /** Fills what is handed out and what comes back with NaN, so that a read of unused memory shows. Default false. */
  readonly poison?: boolean | undefined;
}

/** A part of the memory that is given back at once. Regions nest: the innermost hands out, and goes first. */
export interface Region {
  /**
   * A tensor of this region; what it holds is undefined until written.
   *
   * @throws KernelError if an inner region is open, this one is released, or the memory cannot grow as far.
   */
  tensor(shape: readonly number[]): WasmTensor;
  /** A tensor of this region with these values. */
  tensorOf(values: { readonly shape: readonly number[]; readonly data: ArrayLike<number> }): WasmTensor;
  /** The address of `bytes` bytes, a multiple of 64. */
  allocate(bytes: number): number;
  /** Gives back all of this region and of those inside it; their tensors throw from then on. Twice does no harm. */
  release(): void;
}

export class Arena {
  readonly memory: WebAssembly.Memory;
  readonly #poison: boolean;
  readonly #open: Region[] = [];
  #top: number;

  constructor({ memory, from, poison = false }: ArenaOptions = {}) {
    this.memory = memory ?? new WebAssembly.Memory({ initial: 1 });
    // Address 0 means "not given" to the kernels.
    this.#top = Math.max(alignment, align(from ?? (memory ? memory.buffer.byteLength : 0)));
    this.#poison = poison;
  }

  /** Bytes in use, counted from the start of the memory. */
  get used(): number {
    return this.#top;
  }

  /** A new region inside those that are open. */
  region(): Region {
    const region = new OpenRegion(this, this.#top);
    this.#open.push(region);
    return region;
  }

  /** Whether a region is not released. */
  isOpen(region: Region): boolean {
    return this.#open.includes(region);
  }

  /** Bytes for the innermost region, which that must be. */
  allocate(region: Region, bytes: number): number {
    if (this.#open.at(-1) === region) return this.#take(bytes);
    throw new KernelError(
      "region",
      "region",
      this.isOpen(region)
        ? "a region inside this one is still open; release it first, or allocate from it"
        : "the region is released; open another with region()",
    );
  }

  /** Takes back a region that begins at `start`, and those inside it. */
  release(region: Region, start: number): void {
    const place = this.#open.lastIndexOf(region);
    if (place < 0) return;
    this.#open.length = place;
    if (this.#poison) new Uint8Array(this.memory.buffer, start, this.#top - start).fill(0xff);
    this.#top = start;
  }

  /** Grows the memory by what is missing, and by 1/64 of what there is if it may: many small steps take long. */
  #grow(missing: number, end: number): void {
    const needed = Math.ceil(missing / pageBytes);
    const ahead = Math.floor(this.memory.buffer.byteLength / pageBytes / 64);
    for (const pages of [Math.max(needed, ahead), needed])
      try {
        this.memory.grow(pages);
        return;
      } catch (cause) {
        if (pages > needed) continue;
        throw new KernelError(
          "region",
          "memory",
          `the memory cannot grow by ${missing} bytes to the ${end} needed (${String(cause)}); release regions, give a memory with a larger maximum, or split the work`,
        );
      }
  }

  #take(bytes: number): number {
    const address = this.#top;
    const end = address + align(bytes);
    const missing = end - this.memory.buffer.byteLength;
    if (missing > 0) this.#grow(missing, end);
    this.#top = end;
    if (this.#poison) new Uint8Array(this.memory.buffer, address, end - address).fill(0xff);
    return address;
  }
}

class OpenRegion implements Region {
  readonly #arena: Arena;
  readonly #start: number;
  readonly #isOpen = () => this.#arena.isOpen(this);

  constructor(arena: Arena, start: number) {
    this.#arena = arena;
    this.#start = start;
  }

  allocate(bytes: number): number {
    return this.#arena.allocate(this, bytes);
  }

  tensor(shape: readonly number[]): WasmTensor {
    let size = 1;
    for (const length of shape) {
      if (!(Number.isSafeInteger(length) && length >= 0))
        throw new KernelError("region", "shape", `shape [${shape.join(", ")}] holds lengths that are no whole number`);
      size *= length;
    }
    return new WasmTensor(this.#arena, this.allocate(size * 4), shape, this.#isOpen);
  }

  tensorOf({ shape, data }: { readonly shape: readonly number[]; readonly data: ArrayLike<number> }): WasmTensor {
    const tensor = this.tensor(shape);
    if (4 * data.length !== tensor.bytes)
      throw new KernelError(
        "region",
        "data",
        `data has ${data.length} values, but shape [${shape.join(", ")}] holds ${tensor.bytes / 4}`,
      );
    tensor.data.set(data);
    return tensor;
  }

  release(): void {
    this.#arena.release(this, this.#start);
  }
}

const align = (bytes: number): number => Math.ceil(bytes / alignment) * alignment;
