/** One call of the delta rule, as the programs take it. */
import type { GpuTensor } from "../tensor.ts";

/** A tensor, and how far its heads and rows are apart. */
export interface Rows {
  readonly tensor: GpuTensor;
  readonly head: number;
  readonly row: number;
}

export interface Delta {
  readonly heads: number;
  readonly keyHeads: number;
  readonly tokens: number;
  readonly writes: number;
  readonly width: number;
  readonly valueWidth: number;
  readonly scale: number;
  readonly q: Rows;
  readonly k: Rows;
  /** Apart from `k`, but in the same order. */
  readonly read: Rows | undefined;
  readonly erase: Rows | undefined;
  readonly v: Rows;
  readonly beta: Rows | undefined;
  /** Whether there is a β for each column. */
  readonly betaWide: boolean;
  readonly gate: Rows | undefined;
  readonly gateWide: boolean;
  readonly logs: boolean;
  readonly readBefore: boolean;
  readonly diagonal: boolean;
  readonly out: Rows;
  /** [H, D, E], carried on in place. */
  readonly state: GpuTensor;
  /** Whether it is yet to be filled with zeros. */
  readonly fresh: boolean;
}
