/** What a GPU computes: every call by its name, with the device before its own arguments. */
import { attention } from "./attention/attention.ts";
import { convolution } from "./convolution.ts";
import { decode } from "./decode/decode.ts";
import { merge } from "./decode/merge.ts";
import { deltaRule } from "./delta/delta.ts";
import type { Device } from "./device.ts";
import { gather } from "./gather.ts";
import { linearAttention } from "./linear/linear.ts";
import { matmul } from "./matmul.ts";
import { add, gated, map } from "./pointwise.ts";
import { recurrence } from "./recurrence.ts";
import { rotate } from "./rotary.ts";
import { norm } from "./rows/norm.ts";
import { logSumExp, softmax } from "./rows/softmax.ts";
import { argmax, topK } from "./rows/top.ts";
import { diagonalSystem } from "./scan/diagonal.ts";
import { selectiveScan } from "./scan/selective.ts";
import { ssd } from "./ssd/ssd.ts";

export const calls = {
  add,
  argmax,
  attention,
  convolution,
  decode,
  deltaRule,
  diagonalSystem,
  gated,
  gather,
  linearAttention,
  logSumExp,
  map,
  matmul,
  merge,
  norm,
  recurrence,
  rotate,
  selectiveScan,
  softmax,
  ssd,
  topK,
} as const;

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
