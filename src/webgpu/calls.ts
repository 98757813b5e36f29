/** What a GPU computes: every call by its name, with the device before its own arguments. */
import { attention } from "./attention/attention.ts";
import { convolution } from "./convolution.ts";
import { decode } from "./decode/decode.ts";
import { merge } from "./decode/merge.ts";
import { matmul } from "./matmul.ts";
import { recurrence } from "./recurrence.ts";
import { diagonalSystem } from "./scan/diagonal.ts";
import { selectiveScan } from "./scan/selective.ts";
import { ssd } from "./ssd/ssd.ts";
import type { Device } from "./device.ts";

export const calls = { attention, convolution, decode, diagonalSystem, matmul, merge, recurrence, selectiveScan, ssd } as const;

export type CallName = keyof typeof calls;
type Bound<F> = F extends (device: Device, ...given: infer Given) => infer Result ? (...given: Given) => Result : never;
/** The calls of one device. They return at once; `read()` on a result waits for it. */
export type GpuCalls = { readonly [Name in CallName]: Bound<(typeof calls)[Name]> };

export const bound = (device: Device): GpuCalls =>
  Object.fromEntries(
    Object.entries(calls).map(([name, call]) => [
      name,
      (...given: unknown[]) => (call as (device: Device, ...given: unknown[]) => unknown)(device, ...given),
    ]),
  ) as unknown as GpuCalls;
