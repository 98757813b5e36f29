/** What blocks see of one pass through the model. */
import type { WasmTensor } from "../wasm.ts";
import type { Filters, LinearWeights, Matrix, NormWeights, Ops } from "./ops.ts";
import type { Linear, Norm } from "./plan.ts";
import type { Rotary, Turns } from "./rotary.ts";
import type { State } from "./state.ts";
import type { Weight } from "./weights.ts";

/** Rows of one sequence: `count` tokens from `position` on, in the rows from `row` on. */
export interface Stretch {
  readonly row: number;
  readonly count: number;
  readonly position: number;
  /** Tokens of the whole text, so far as they are known; of a stream those that are kept. */
  readonly length: number;
  /** What the mixers keep of the tokens before, in their order; absent where nothing is kept. */
  readonly states?: readonly State[] | undefined;
}

export interface Pass {
  readonly ops: Ops;
  /** Several sequences behind one another: rows do not know of one another but in mixers. */
  readonly stretches: readonly Stretch[];
  /** A weight that is read as floats. */
  weight(weight: Weight): WasmTensor;
  /** A weight of products or lookups. */
  matrix(weight: Weight): Matrix;
  linear(linear: Linear): LinearWeights;
  /** What a convolution multiplies. */
  filters(linear: Linear): Filters;
  norm(norm: Norm): NormWeights;
  turns(rotary: Rotary): Turns;
}
