/** What a call carries on from one part of a sequence to the next. */
import { type Shaped, sizeOf } from "../wasm/checks.ts";
import type { GpuCall } from "./call.ts";
import { type FloatsAnywhere, GpuTensor } from "./tensor.ts";

export interface Carried {
  /** Where it is changed in place. */
  readonly tensor: GpuTensor<"float32">;
  /** Whether it is yet to be filled with zeros. */
  readonly fresh: boolean;
}

/** A tensor that holds what `before` does: `into`, which may be `before` itself, or a new one. */
export function carried(
  call: GpuCall,
  name: string,
  before: FloatsAnywhere | undefined,
  into: GpuTensor<"float32"> | undefined,
  shape: readonly number[],
  others: Readonly<Record<string, Shaped | undefined>>,
): Carried {
  if (before) call.same(name, before, shape);
  const same = before !== undefined && before === into;
  const after = call.target(`${name}Into`, shape, into, same ? others : { ...others, [name]: before });
  if (!before) return { tensor: after, fresh: true };
  if (before instanceof GpuTensor) {
    if (!same && after.size) call.device.copy({ buffer: before.buffer }, { buffer: after.buffer }, after.bytes);
  } else call.device.write(after.buffer, before.data);
  return { tensor: after, fresh: false };
}

/** Refuses tensors that a program cannot see all of. */
export function whole(call: GpuCall, tensors: Readonly<Record<string, Shaped | undefined>>): void {
  const most = call.device.gpu.limits.maxStorageBufferBindingSize;
  for (const [name, tensor] of Object.entries(tensors))
    if (tensor && 4 * sizeOf(tensor.shape) > most)
      call.fail(
        name,
        `${name} of ${4 * sizeOf(tensor.shape)} bytes is more than this device binds at once (${most}): split the heads, or cut the sequence and go on from the state`,
      );
}
