/** Devices to test on: all that the adapter offers, and no more than every WebGPU device has. */
import { create, globals } from "webgpu";
import { type Gpu, open } from "../../src/webgpu.ts";

Object.assign(globalThis, globals);
const gpu = create([]);

export const opened = (leastLimits: boolean): Promise<Gpu> => open({ gpu, leastLimits });
export const devices = [
  { name: "all limits", gpu: await opened(false) },
  { name: "least limits", gpu: await opened(true) },
] as const;
