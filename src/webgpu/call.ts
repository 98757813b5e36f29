/** One call: what it is given is checked and uploaded, what it needs on the way is freed after it. */
import { Checks, type Shaped, shown, sizeOf, type TensorArray } from "../wasm/checks.ts";
import type { Device } from "./device.ts";
import { arrays, type FloatsAnywhere, GpuTensor, type GpuType } from "./tensor.ts";

export class GpuCall extends Checks {
  readonly device: Device;
  readonly #temporary: GpuTensor[] = [];

  constructor(name: string, device: Device) {
    super(name);
    this.device = device;
  }

  /** Checks that a tensor is one, of the array or of the device; its data may be one, where more belongs to it. */
  override check(argument: string, tensor: Shaped, array: TensorArray): void {
    if (!(tensor instanceof GpuTensor)) {
      const inner = tensor?.data;
      if (!(inner instanceof GpuTensor)) {
        super.check(argument, tensor, array);
        return;
      }
      this.check(argument, inner, array);
      if (inner.shape.join() !== tensor.shape.join())
        this.fail(argument, `${argument} has shape ${shown(tensor.shape)}, but its data ${shown(inner.shape)}`);
      return;
    }
    if (tensor.device !== this.device)
      this.fail(argument, `${argument} belongs to another device; read() it and upload it to this one`);
    if (tensor.freed) this.fail(argument, `${argument} of shape ${shown(tensor.shape)} is freed`);
    if (arrays[tensor.type as GpuType] !== array)
      this.fail(argument, `${argument} must hold what a ${array.name} does, got ${tensor.type}`);
  }

  /** A checked tensor on the GPU: itself, or a copy for this call. */
  on<T extends GpuType>(tensor: Shaped, type: T): GpuTensor<T> {
    if (tensor instanceof GpuTensor) return tensor;
    if (tensor.data instanceof GpuTensor) return tensor.data;
    return this.temporary(tensor.shape, type, tensor.data as ArrayBufferView);
  }

  /** Real numbers, checked, on the GPU. */
  floats(argument: string, tensor: FloatsAnywhere): GpuTensor<"float32"> {
    this.check(argument, tensor, Float32Array);
    return this.on(tensor, "float32");
  }

  /** Whole numbers of this call. */
  words(values: ArrayLike<number>): GpuTensor<"int32"> {
    return this.on({ shape: [values.length], data: Int32Array.from(values) }, "int32");
  }

  /** Memory for this call, with values or undefined ones. */
  temporary<T extends GpuType>(shape: readonly number[], type: T, values?: ArrayBufferView): GpuTensor<T> {
    const tensor = new GpuTensor(this.device, shape, type, values);
    this.#temporary.push(tensor);
    return tensor;
  }

  /** The tensor a result goes to: `into` if given, of that shape and apart from the inputs, else a new one. */
  target(
    argument: string,
    shape: readonly number[],
    into: GpuTensor<"float32"> | undefined,
    inputs: Readonly<Record<string, Shaped | undefined>>,
  ): GpuTensor<"float32"> {
    if (!into) return new GpuTensor(this.device, shape, "float32");
    if (!(into instanceof GpuTensor))
      this.fail(argument, `${argument} must be a tensor of this device; make it with blank`);
    this.check(argument, into, Float32Array);
    if (into.shape.join() !== shape.join())
      this.fail(argument, `${argument} has shape ${shown(into.shape)}, expected ${shown(shape)}`);
    for (const [name, input] of Object.entries(inputs))
      if (input instanceof GpuTensor && input.buffer === into.buffer)
        this.fail(argument, `${argument} is ${name}; give a tensor of its own`);
    return into;
  }

  release(): void {
    for (const tensor of this.#temporary) tensor.free();
  }
}

/** Runs one call and frees what it took for itself, also when it throws. */
export function calling<T>(name: string, device: Device, body: (call: GpuCall) => T): T {
  const call = new GpuCall(name, device);
  try {
    device.check();
    return body(call);
  } finally {
    call.release();
  }
}

export { shown, sizeOf };
