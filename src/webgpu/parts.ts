/** Parts of tensors, for programs that may not see all of a tensor at once. */
import type { Binding, Device } from "./device.ts";
import type { GpuTensor } from "./tensor.ts";

export interface Part extends Binding {
  /** Where the first of the values stands within the binding. */
  readonly first: number;
}

/** `count` values from the `from`-th on, as a binding: those begin at certain places only. */
export function part(tensor: GpuTensor, from: number, count: number): Part {
  const { minStorageBufferOffsetAlignment: aligned } = tensor.device.gpu.limits;
  const bytes = tensor.size ? tensor.bytes / tensor.size : 4;
  const offset = Math.floor((from * bytes) / aligned) * aligned;
  const end = Math.ceil(((from + count) * bytes) / 16) * 16;
  const size = Math.max(16, Math.min(end, tensor.buffer.size) - offset);
  return { buffer: tensor.buffer, offset, size, first: from - offset / bytes };
}

/** Numbers from 0 to `total` in runs of at most `most`: where each begins and how long it is. */
export function* runs(total: number, most: number): Generator<readonly [start: number, count: number]> {
  for (let start = 0; start < total; start += most) yield [start, Math.min(most, total - start)];
}

/** How many things of so many bytes one binding holds, at least 1; the start may lie a little before. */
export function held(device: Device, bytes: number): number {
  const { maxStorageBufferBindingSize, minStorageBufferOffsetAlignment } = device.gpu.limits;
  return Math.max(1, Math.floor((maxStorageBufferBindingSize - minStorageBufferOffsetAlignment) / Math.max(1, bytes)));
}
