import type { AttentionOptions } from "../attention/options.ts";
import type { WasmTensor } from "../tensor.ts";

/** What changes the scores and whom they are kept from, as in attention. */
export interface StepOptions
  extends Pick<AttentionOptions, "scale" | "left" | "right" | "cap" | "sinks" | "slopes" | "bias" | "mask" | "layout"> {
  /** Whether a query sees no key after its own place; the last query stands beside the last key. Default true. */
  readonly causal?: boolean | undefined;
  /** A tensor of the kernels' memory for the result; may not overlap the inputs. Default: the result is a copy outside. */
  readonly into?: WasmTensor | undefined;
}

export interface DecodeOptions extends StepOptions {
  /** How many keys there are, in each entry of the batch if there is one; the rest is never read. Default: all. */
  readonly lengths?: ArrayLike<number> | undefined;
  /**
   * Which pages of the pools k and v hold the keys, in order: [pages] or [B, pages]. The first axis of k and v then
   * counts the pages of the pool and the axis of tokens those of a page. A page may serve several entries. Default: k
   * and v are no pools.
   */
  readonly pages?: { readonly shape: readonly number[]; readonly data: Int32Array } | undefined;
}
