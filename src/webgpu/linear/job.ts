/** One pass of linear attention over its tokens, as the programs take it. */
import type { LinearSizes } from "../../wasm/linear.ts";
import type { GpuTensor } from "../tensor.ts";

/** A tensor, and how far its heads and rows are apart. */
export interface Rows {
  readonly tensor: GpuTensor;
  readonly head: number;
  readonly row: number;
}

export interface Linear {
  readonly sizes: LinearSizes;
  readonly scale: number;
  readonly q: Rows;
  readonly k: Rows;
  /** Not given: ones, a single column of them. */
  readonly values: Rows | undefined;
  /** How many columns they have. */
  readonly columns: number;
  readonly gates: Rows | undefined;
  readonly fades: "token" | "channel" | "value";
  /** Whether gates are logarithms. */
  readonly logs: boolean;
  readonly before: boolean;
  readonly causal: boolean;
  readonly bonus: GpuTensor | undefined;
  readonly bonusHeads: number;
  readonly out: Rows;
  /** [states, width, columns], carried on in place. */
  readonly state: GpuTensor;
  /** Whether it is yet to be filled with zeros. */
  readonly fresh: boolean;
}
