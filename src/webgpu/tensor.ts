/** Tensors that stay on the GPU. */
import { sizeOf } from "../wasm/checks.ts";
import { KernelError } from "../wasm/error.ts";
import type { Floats } from "../wasm/tensor.ts";
import type { Device } from "./device.ts";

/** What the values are kept as; float16 as its bits. */
export type GpuType = "float32" | "float16" | "int32" | "int8" | "uint8";

export const arrays = {
  float32: Float32Array,
  float16: Uint16Array,
  int32: Int32Array,
  int8: Int8Array,
  uint8: Uint8Array,
} as const;
interface Arrays {
  readonly float32: Float32Array;
  readonly float16: Uint16Array;
  readonly int32: Int32Array;
  readonly int8: Int8Array;
  readonly uint8: Uint8Array;
}
export type ArrayOf<T extends GpuType> = Arrays[T];

/**
 * Values in a buffer of the GPU, in row-major order, until they are freed. Calls take it wherever they take arrays, and
 * their results are such tensors.
 */
export class GpuTensor<T extends GpuType = GpuType> {
  readonly device: Device;
  readonly shape: readonly number[];
  readonly type: T;
  readonly #buffer: GPUBuffer;
  #freed = false;

  /** With values to upload, or undefined ones. */
  constructor(device: Device, shape: readonly number[], type: T, values?: ArrayBufferView) {
    checkShape("blank", shape);
    this.device = device;
    this.shape = [...shape];
    this.type = type;
    this.#buffer = device.allocate(this.bytes, values !== undefined);
    if (values) device.write(this.#buffer, values);
  }

  get size(): number {
    return sizeOf(this.shape);
  }

  get bytes(): number {
    return this.size * arrays[this.type].BYTES_PER_ELEMENT;
  }

  /** @throws KernelError if it is freed. */
  get buffer(): GPUBuffer {
    if (this.#freed)
      throw new KernelError(
        "tensor",
        "tensor",
        `this tensor of shape [${this.shape.join(", ")}] is freed; read() it before, or free it later`,
      );
    return this.#buffer;
  }

  get freed(): boolean {
    return this.#freed;
  }

  /** The values, once all that was asked of the device before is done. */
  async read(): Promise<{ readonly shape: readonly number[]; readonly data: ArrayOf<T> }> {
    const bytes = await this.device.read(this.buffer, this.bytes);
    return { shape: this.shape, data: new arrays[this.type](bytes, 0, this.size) as ArrayOf<T> };
  }

  /** The same values with other axes; freed with this one. */
  reshaped(...shape: number[]): GpuTensor<T> {
    checkShape("reshaped", shape);
    if (sizeOf(shape) !== this.size)
      throw new KernelError(
        "reshaped",
        "shape",
        `[${shape.join(", ")}] holds ${sizeOf(shape)} values, this tensor ${this.size}`,
      );
    return Object.create(this, {
      shape: { value: shape },
      buffer: { get: () => this.buffer },
      freed: { get: () => this.freed },
      free: { value: () => this.free() },
    }) as GpuTensor<T>;
  }

  /** Gives its memory back; what was asked of it before is still done. Twice does no harm. */
  free(): void {
    if (this.#freed) return;
    this.#freed = true;
    this.device.recycle(this.#buffer);
  }

  [Symbol.dispose](): void {
    this.free();
  }
}

function checkShape(call: string, shape: readonly number[]): void {
  if (!Array.isArray(shape) || !shape.every((length) => Number.isSafeInteger(length) && length >= 0))
    throw new KernelError(
      call,
      "shape",
      `shape must be whole numbers from 0 on, got ${Array.isArray(shape) ? `[${shape.join(", ")}]` : typeof shape}`,
    );
}

/** A tensor of real numbers, here or there. */
export type FloatsAnywhere = Floats | GpuTensor<"float32">;
