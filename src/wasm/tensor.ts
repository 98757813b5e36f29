/** Tensors as the kernels take them. */
import type { Arena } from "./arena.ts";
import { sizeOf } from "./checks.ts";
import { KernelError } from "./error.ts";

/** Real numbers in row-major order; a {@link WasmTensor} is one and is not copied. */
export interface Floats {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Booleans in row-major order, 0 for false. */
export interface Booleans {
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/** Whole numbers in row-major order. */
export interface Integers {
  readonly shape: readonly number[];
  readonly data: Int32Array;
}

/** Real numbers of two bytes in row-major order. */
export interface Halves {
  readonly shape: readonly number[];
  /** IEEE's half, or the upper half of a float32. */
  readonly format: "float16" | "bfloat16";
  readonly data: Uint16Array;
}

/** A tensor inside the memory of the kernels, valid until its region is released. */
export class WasmTensor implements Floats {
  readonly arena: Arena;
  readonly shape: readonly number[];
  /** How many bytes of the memory it takes. */
  readonly bytes: number;
  readonly #address: number;
  readonly #isOpen: () => boolean;
  #view: Float32Array | undefined;

  constructor(arena: Arena, address: number, shape: readonly number[], isOpen: () => boolean) {
    this.arena = arena;
    this.shape = [...shape];
    this.bytes = 4 * sizeOf(shape);
    this.#address = address;
    this.#isOpen = isOpen;
  }

  /**
   * Where it begins in the memory, in bytes.
   *
   * @throws KernelError if its region is released.
   */
  get address(): number {
    this.#check();
    return this.#address;
  }

  /**
   * The values themselves, not a copy. Read it anew after a call: a memory that has grown leaves earlier views empty.
   *
   * @throws KernelError if its region is released.
   */
  get data(): Float32Array {
    this.#check();
    const { buffer } = this.arena.memory;
    if (this.#view?.buffer !== buffer) this.#view = new Float32Array(buffer, this.#address, this.bytes / 4);
    return this.#view;
  }

  #check(): void {
    if (!this.#isOpen())
      throw new KernelError(
        "tensor",
        "tensor",
        `the region of this tensor of shape [${this.shape.join(", ")}] is released; copy what is to outlive it (Float32Array.from(tensor.data))`,
      );
  }
}
