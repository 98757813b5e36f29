/** One call across the border: what it is given is checked and copied in, its result copied out, its memory released. */
import type { Arena, Region } from "./arena.ts";
import { alike, Checks, type Shaped, shown, type TensorArray } from "./checks.ts";
import type { Struct } from "./struct.ts";
import { type Floats, WasmTensor } from "./tensor.ts";

export { shown };

export class Call extends Checks {
  readonly region: Region;
  readonly #arena: Arena;

  constructor(name: string, arena: Arena) {
    super(name);
    this.#arena = arena;
    this.region = arena.region();
  }

  /** The same; a tensor of the kernels' memory is one, and need only be open. */
  override check(argument: string, tensor: Shaped, array: TensorArray): void {
    if (tensor instanceof WasmTensor && array === Float32Array) void tensor.address;
    else super.check(argument, tensor, array);
  }

  /** Where the values of a checked tensor stand: in place if it is of this memory, else in a copy. */
  addressOf(argument: string, tensor: Floats): number {
    if (tensor instanceof WasmTensor) {
      if (tensor.arena === this.#arena) return tensor.address;
      this.fail(argument, `${argument} belongs to the memory of other kernels; copy it with tensorOf`);
    }
    return this.region.tensorOf(tensor).address;
  }

  /** The address of a description of the call, as the kernel reads it. */
  describe<Name extends string>(struct: Struct<Name>, values: Readonly<Record<Name, number>>): number {
    const address = this.region.allocate(struct.bytes);
    struct.write(this.#arena.memory, address, values);
    return address;
  }

  /** The address of a copy of the bytes. */
  addressOfBytes(bytes: Uint8Array): number {
    const address = this.region.allocate(bytes.length);
    new Uint8Array(this.#arena.memory.buffer, address, bytes.length).set(bytes);
    return address;
  }

  /** A copy of integers of the memory. */
  integers(address: number, count: number): Int32Array {
    return new Int32Array(this.#arena.memory.buffer, address, count).slice();
  }

  /**
   * The tensor a result goes to: `into` if given, of that shape and apart from the inputs, else one of this call. It may
   * be one of those `inPlace`, of which each value is read before that place is written.
   */
  target(
    argument: string,
    shape: readonly number[],
    into: WasmTensor | undefined,
    inputs: Readonly<Record<string, Floats | undefined>>,
    inPlace: readonly string[] = [],
  ): WasmTensor {
    if (!into) return this.region.tensor(shape);
    if (!(into instanceof WasmTensor) || into.arena !== this.#arena)
      this.fail(argument, `${argument} must be a tensor of these kernels' memory; make it with region().tensor(shape)`);
    if (!alike(into.shape, shape))
      this.fail(argument, `${argument} has shape ${shown(into.shape)}, expected ${shown(shape)}`);
    for (const name in inputs) {
      const input = inputs[name];
      if (
        input instanceof WasmTensor &&
        overlap(input, into) &&
        !(input.address === into.address && inPlace.includes(name))
      )
        this.fail(argument, `${argument} overlaps ${name} in memory; give a tensor of its own`);
    }
    return into;
  }

  /** What the caller gets of it: `into` itself, or a copy that outlives the call. */
  result(target: WasmTensor, into: WasmTensor | undefined): Floats {
    return into ?? { shape: target.shape, data: target.data.slice() };
  }
}

const overlap = (a: WasmTensor, b: WasmTensor): boolean =>
  a.address < b.address + b.bytes && b.address < a.address + a.bytes;

/** Runs one call and gives back its memory, also when it throws. */
export function calling<T>(name: string, arena: Arena, body: (call: Call) => T): T {
  const call = new Call(name, arena);
  try {
    return body(call);
  } finally {
    call.region.release();
  }
}
