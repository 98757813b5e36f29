/** How rows are handed to workgroups: some invocations share each. */
import type { GpuCall } from "../call.ts";
import type { Device } from "../device.ts";
import { lines } from "../wgsl.ts";

export const threads = 256;

/** How many invocations share a row of that length: 8, 32 or all. */
export const lanesFor = (width: number): number => (width <= 64 ? 8 : width <= 512 ? 32 : threads);

/** Which row a workgroup's invocations have, of those that there are, and which of those that share it each is. */
export const placed = (lanes: number): string => `  let lane = local % ${lanes}u;
  let row = (group.x + group.y * groups.x) * ${threads / lanes}u + local / ${lanes}u;
  let works = row < params.rows;`;

export const entry = `@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32)`;

/** Joins what those that share a row have found in `array`; the first of them has it, and all may read it. */
export const joined = (lanes: number, array: string, join: (a: string, b: string) => string): string =>
  `workgroupBarrier();
${lines(Math.log2(lanes), (n) => {
  const half = lanes >> (n + 1);
  return `if (lane < ${half}u) { ${array}[local] = ${join(`${array}[local]`, `${array}[local + ${half}u]`)}; }
workgroupBarrier();`;
})}`;

export function workgroupsFor(device: Device, rows: number, lanes: number): readonly [number, number, number] {
  const groups = Math.ceil((rows * lanes) / threads);
  const across = Math.min(groups, device.gpu.limits.maxComputeWorkgroupsPerDimension);
  return [across, Math.ceil(groups / across), 1];
}

/** Refuses rows of which one is more than a binding. */
export function bindable(call: GpuCall, width: number): void {
  if (4 * width > call.device.gpu.limits.maxStorageBufferBindingSize - 256)
    call.fail("x", `a row of x of ${4 * width} bytes is more than this device binds at once; split the rows`);
}

/** A number as a whole one in the same order: the zeros are equal, NaN is above all. */
export const rank = `fn rank(bits: u32) -> u32 {
  let size = bits & 0x7fffffffu;
  let ordered = select(bits | 0x80000000u, ~bits, bits > 0x80000000u);
  return select(select(ordered, 0x80000000u, size == 0u), 0xffffffffu, size > 0x7f800000u);
}
/** The number of a rank that is one. */
fn ranked(rank: u32) -> u32 { return select(~rank, rank & 0x7fffffffu, rank >= 0x80000000u); }
const rankOfInfinity = 0xff800000u;
const rankOfMinusInfinity = 0x007fffffu;`;
