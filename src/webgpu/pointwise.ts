/** Functions of single values, and sums and products of two. */
import { type Elementwise, functions, type MapOptions } from "../wasm/elementwise.ts";
import { checked } from "../wasm/options.ts";
import { calling, type GpuCall } from "./call.ts";
import type { Device } from "./device.ts";
import type { OnGpu } from "./options.ts";
import { held, part, runs } from "./parts.ts";
import { type PointwiseProgram, pointwiseParams, pointwiseProgram, pointwiseThreads } from "./pointwise-program.ts";
import type { FloatsAnywhere, GpuTensor } from "./tensor.ts";

function run(
  call: GpuCall,
  program: PointwiseProgram,
  from: GpuTensor,
  by: GpuTensor | undefined,
  target: GpuTensor<"float32">,
): GpuTensor<"float32"> {
  const { device } = call;
  const most = device.gpu.limits.maxComputeWorkgroupsPerDimension;
  for (const [start, count] of runs(target.size, Math.floor(held(device, 4) / 64) * 64)) {
    const [source, to] = [part(from, start, count), part(target, start, count)];
    const vectors = Math.ceil(count / 4);
    const groups = Math.ceil(vectors / pointwiseThreads);
    const across = Math.min(groups, most);
    device.run({
      key: `pointwise ${program.f} ${program.joined}`,
      code: () => pointwiseProgram(program),
      params: pointwiseParams.fill({ vectors, endless: 0x7f800000 }),
      bindings: [source, { ...to, written: true }, ...(by ? [part(by, start, count)] : [])],
      workgroups: [across, Math.ceil(groups / across), 1],
    });
  }
  return target;
}

/**
 * f of each value, in float32, by the same formulas as in `attnspec/wasm`; a GPU rounds quotients less exactly, by a few
 * units in the last place.
 *
 * @throws KernelError naming the argument whose shape or values do not fit.
 */
export function map(
  device: Device,
  x: FloatsAnywhere,
  f: Elementwise,
  options: OnGpu<MapOptions> = {},
): GpuTensor<"float32"> {
  const { into } = checked("map", options);
  return calling("map", device, (call) => {
    const from = call.floats("x", x);
    call.choose("f", f, functions);
    return run(call, { f }, from, undefined, call.target("into", x.shape, into, { x }));
  });
}

/**
 * f(a) · b, value by value, for a and b of one shape: the gated products of feed-forward layers.
 *
 * @throws KernelError naming the argument whose shape or values do not fit.
 */
export function gated(
  device: Device,
  a: FloatsAnywhere,
  b: FloatsAnywhere,
  f: Elementwise,
  options: OnGpu<MapOptions> = {},
): GpuTensor<"float32"> {
  const { into } = checked("gated", options);
  return calling("gated", device, (call) => {
    const from = call.floats("a", a);
    call.same("b", b, a.shape);
    call.choose("f", f, functions);
    const target = call.target("into", a.shape, into, { a, b });
    return run(call, { f, joined: "product" }, from, call.on(b, "float32"), target);
  });
}

/**
 * a + b, value by value, for a and b of one shape.
 *
 * @throws KernelError naming the argument whose shape or values do not fit.
 */
export function add(
  device: Device,
  a: FloatsAnywhere,
  b: FloatsAnywhere,
  options: OnGpu<MapOptions> = {},
): GpuTensor<"float32"> {
  const { into } = checked("add", options);
  return calling("add", device, (call) => {
    const from = call.floats("a", a);
    call.same("b", b, a.shape);
    const target = call.target("into", a.shape, into, { a, b });
    return run(call, { joined: "sum" }, from, call.on(b, "float32"), target);
  });
}
