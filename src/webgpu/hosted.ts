/** The calls of a GPU from arrays to arrays, as pages make them. */
import type { Calls } from "../pages.ts";
import { KernelError } from "../wasm/error.ts";
import type { GpuCalls } from "./calls.ts";
import { GpuTensor } from "./tensor.ts";

/** Each call uploads what it is given, waits, and leaves nothing behind. */
export function hosted(gpu: GpuCalls): Pick<Calls, keyof Calls & keyof GpuCalls> {
  if (typeof gpu?.matmul !== "function")
    throw new KernelError("hosted", "gpu", "gpu must be an opened GPU: pass await open()");
  const host =
    (call: (...given: never[]) => unknown) =>
    async (...given: never[]): Promise<unknown> => {
      const result = call(...given);
      if (result instanceof GpuTensor) return read(result);
      const all = Object.entries(result as Record<string, GpuTensor | undefined>);
      return Object.fromEntries(await Promise.all(all.map(async ([name, t]) => [name, t && (await read(t))])));
    };
  const names = Object.keys(gpu).filter((name) => typeof gpu[name as keyof GpuCalls] === "function");
  return Object.fromEntries(names.map((name) => [name, host(gpu[name as keyof GpuCalls])])) as never;
}

async function read(tensor: GpuTensor) {
  try {
    return await tensor.read();
  } finally {
    tensor.free();
  }
}
