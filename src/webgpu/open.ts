/** Finding and opening a GPU. */
import { Checks } from "../wasm/checks.ts";
import { KernelError } from "../wasm/error.ts";
import type { Floats } from "../wasm/tensor.ts";
import { bound, type GpuCalls } from "./calls.ts";
import { Device } from "./device.ts";
import { DeviceError } from "./error.ts";
import { matrixFeature } from "./matrices.ts";
import { type ArrayOf, arrays, GpuTensor, type GpuType } from "./tensor.ts";

export interface OpenOptions {
  /**
   * Where GPUs are found: `navigator.gpu` (default), or in Node what `create([])` of the npm package `webgpu` gives,
   * once its `globals` are made global.
   */
  readonly gpu?: GPU | undefined;
  /** A device opened already, with the limits and features that it has. */
  readonly device?: GPUDevice | undefined;
  /** Which of several GPUs. Default: the system's choice. */
  readonly powerPreference?: GPUPowerPreference | undefined;
  /** Whether to ask for no more than every device of WebGPU has. Default false: all that this one offers. */
  readonly leastLimits?: boolean | undefined;
}

/** A GPU with its kernels. */
export interface Gpu extends GpuCalls {
  readonly device: Device;
  /** Who made it, as the browser tells. */
  readonly info: { readonly vendor: string; readonly architecture: string; readonly description: string };
  /** A copy on the GPU. */
  upload(values: Floats): GpuTensor<"float32">;
  /** The same of other numbers; float16 comes as its bits. */
  upload<T extends GpuType>(
    values: { readonly shape: readonly number[]; readonly data: ArrayOf<T> },
    type: T,
  ): GpuTensor<T>;
  /** A tensor to write to; what it holds is undefined. */
  blank(shape: readonly number[]): GpuTensor<"float32">;
  /** How long the GPU itself takes for the calls of the body, in milliseconds; needs the feature `timestamp-query`. */
  time(body: () => void): Promise<number>;
  /** Ends the device: its tensors are gone, and Node may exit. */
  close(): void;
}

const wanted = ["subgroups", "shader-f16", "timestamp-query", matrixFeature] as const;
const raised = [
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxStorageBufferBindingSize",
  "maxBufferSize",
  "maxStorageBuffersPerShaderStage",
] as const;

/**
 * Opens a GPU, with all that it offers of what the kernels use.
 *
 * @throws DeviceError with reason `missing` where there is no WebGPU, or no adapter.
 */
export async function open(options: OpenOptions = {}): Promise<Gpu> {
  if (typeof options !== "object" || options === null)
    throw new KernelError(
      "open",
      "options",
      `options must be an object, got ${options === null ? "null" : typeof options}`,
    );
  for (const name of Object.keys(options))
    if (!["gpu", "device", "powerPreference", "leastLimits"].includes(name))
      throw new KernelError(
        "open",
        name,
        `there is no option ${name}; the options are gpu, device, powerPreference, leastLimits`,
      );
  const { powerPreference, leastLimits = false } = options;
  if (options.device) return opened(options.device, undefined, undefined);
  const gpu = options.gpu ?? (globalThis as { navigator?: { gpu?: GPU } }).navigator?.gpu;
  if (!gpu)
    throw new DeviceError(
      "missing",
      "there is no WebGPU here: use a browser that has it, Deno, or in Node the package webgpu (give its create([]) as gpu); the WebAssembly kernels of attnspec/wasm run anywhere",
    );
  const adapter = await gpu.requestAdapter(powerPreference ? { powerPreference } : {});
  if (!adapter)
    throw new DeviceError(
      "missing",
      "WebGPU is here, but offers no adapter: the driver may be missing or blocked; the WebAssembly kernels of attnspec/wasm run anywhere",
    );
  const device = await adapter.requestDevice({
    requiredFeatures: (wanted as readonly GPUFeatureName[]).filter((feature) => adapter.features.has(feature)),
    requiredLimits: leastLimits ? {} : Object.fromEntries(raised.map((name) => [name, adapter.limits[name]])),
  });
  return opened(device, adapter, gpu);
}

function opened(raw: GPUDevice, adapter: GPUAdapter | undefined, gpu: GPU | undefined): Gpu {
  const info = adapter?.info ?? raw.adapterInfo;
  const device = new Device(raw, info, [adapter, gpu]);
  return {
    ...bound(device),
    device,
    info: { vendor: info.vendor, architecture: info.architecture, description: info.description },
    upload<T extends GpuType>(
      values: { readonly shape: readonly number[]; readonly data: ArrayBufferView },
      type: T = "float32" as T,
    ) {
      const call = new Checks("upload");
      if (!Object.hasOwn(arrays, type)) call.choose("type", type, Object.keys(arrays));
      call.check("values", values, arrays[type]);
      return new GpuTensor(device, values.shape, type, values.data);
    },
    blank: (shape) => new GpuTensor(device, shape, "float32"),
    time: (body) => device.time(body),
    close: () => device.close(),
  };
}
