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
  readonly gates: Rows | undefined;
  readonly fades: "token" | "channel" | "value";
  /** Whether gates are logarithms. */
  readonly logs: boolean;
  readonly before: boolean;
  readonly causal: boolean;
  readonly bonus: GpuTensor | undefined;
  readonly bonusHeads: number;
  readonly parts: readonly Part[];
}

/** Some columns of values and of the state. */
export interface Part {
  /** Not given: a single column of ones. */
  readonly values: Rows | undefined;
  readonly columns: number;
  readonly out: Rows;
  /** [states, width, columns], carried on in place. */
  readonly state: GpuTensor;
  /** Whether it is yet to be filled with zeros. */
  readonly fresh: boolean;
}
