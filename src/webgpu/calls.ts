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

/**
 * The calls of one device, with the arguments and options of those of `attnspec/wasm`. They return at once; `read()` on
 * a result waits for it. They throw KernelError, naming the argument, and DeviceError once the device is lost.
 */
export interface GpuCalls {
  /** a + b, value by value, of one shape. */
  readonly add: Bound<typeof add>;
  /** The place of the largest value of each row (the last axis). */
  readonly argmax: Bound<typeof argmax>;
  /** Exact softmax attention, fused: q [H, Tq, D], k [Hk, Tk, D], v [Hk, Tk, E] with E up to 256, a batch before them or none. */
  readonly attention: Bound<typeof attention>;
  /** The short causal convolution of each channel, with its state in and out. */
  readonly convolution: Bound<typeof convolution>;
  /** A decode step: one or a few queries against a long cache of float32, float16 or int8, contiguous or in pages. */
  readonly decode: Bound<typeof decode>;
  /** The (gated) delta rule, in chunks; its state in and out. */
  readonly deltaRule: Bound<typeof deltaRule>;
  /** Diagonal linear systems, complex ones too (S4D, S5). */
  readonly diagonalSystem: Bound<typeof diagonalSystem>;
  /** f(a) · b, value by value. */
  readonly gated: Bound<typeof gated>;
  /** Rows of a table by their numbers. */
  readonly gather: Bound<typeof gather>;
  /** Linear attention with gates a head, token or channel, in chunks; its state in and out. */
  readonly linearAttention: Bound<typeof linearAttention>;
  /** ln Σ e^x of each row (the last axis); −∞ for a row of −∞ alone. */
  readonly logSumExp: Bound<typeof logSumExp>;
  /** f of every value. */
  readonly map: Bound<typeof map>;
  /** a · b: [..., M, K] times [K, N], [N, K] or one for each entry. */
  readonly matmul: Bound<typeof matmul>;
  /** Partial results of attention over parts of the keys, merged. */
  readonly merge: Bound<typeof merge>;
  /** Each row (the last axis) over its root mean square, deviation or length. */
  readonly norm: Bound<typeof norm>;
  /** y_t = a_t · y_{t−1} + x_t, channel by channel; its state in and out. */
  readonly recurrence: Bound<typeof recurrence>;
  /** Rotary embedding by a table of angles. */
  readonly rotate: Bound<typeof rotate>;
  /** The selective scan (Mamba); its state in and out. */
  readonly selectiveScan: Bound<typeof selectiveScan>;
  /** The softmax of each row (the last axis); a row of −∞ alone gives zeros. */
  readonly softmax: Bound<typeof softmax>;
  /** State-space duality (Mamba-2), in chunks; its state in and out. */
  readonly ssd: Bound<typeof ssd>;
  /** The largest values of each row and their places, falling. */
  readonly topK: Bound<typeof topK>;
}

export const bound = (device: Device): GpuCalls =>
  Object.fromEntries(
    Object.entries(calls).map(([name, call]) => [
      name,
      (...given: unknown[]) => (call as (device: Device, ...given: unknown[]) => unknown)(device, ...given),
    ]),
  ) as unknown as { readonly [Name in CallName]: GpuCalls[Name] };
