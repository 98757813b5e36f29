import type { Booleans, Floats, WasmTensor } from "../tensor.ts";

/** Blocks of queries and keys that see each other at all; what a hidden block would cost is saved. */
export interface Blocks {
  /** [⌈Tq / queries⌉, ⌈Tk / keys⌉], for all heads or with H before: 0 hides the block. */
  readonly seen: Booleans;
  /** Queries of a block. Multiples of 8 are fastest. */
  readonly queries: number;
  /** Keys of a block. */
  readonly keys: number;
}

/** Several sequences one after the other: where each begins, and at last where the last one ends. From 0 on. */
export interface Packed {
  /** Cumulative numbers of queries: [0, …, Tq]. */
  readonly queries: ArrayLike<number>;
  /** Cumulative numbers of keys, as many: [0, …, Tk]. Default: those of the queries. */
  readonly keys?: ArrayLike<number> | undefined;
}

export interface AttentionOptions {
  /** The factor on the scores. Default 1/√D. */
  readonly scale?: number | undefined;
  /** Whether a query sees no key after its own place. Default false. */
  readonly causal?: boolean | undefined;
  /** How many keys before its own place a query sees. Default Infinity. */
  readonly left?: number | undefined;
  /** How many keys after its own place a query sees; with `causal` none. Default Infinity. */
  readonly right?: number | undefined;
  /** Whether the last query stands beside the last key (default), or the first beside the first. */
  readonly align?: "bottom-right" | "top-left" | undefined;
  /** c in c · tanh(score / c), after the scale and before the bias. Default Infinity: none. */
  readonly cap?: number | undefined;
  /** [H]: a score for each head that takes its share of the softmax and has no value. */
  readonly sinks?: Floats | undefined;
  /** [H]: for each head, what a score loses for each place of distance (ALiBi). Places count to 2^24. */
  readonly slopes?: Floats | undefined;
  /**
   * [H, 2R + 1]: for each head what is added to the scores by where the key stands from the query, R places before to R
   * after; keys further off take the outermost. −∞ hides them.
   */
  readonly relative?: Floats | undefined;
  /** [Tk], [Tq, Tk], [H, Tq, Tk] or [B, H, Tq, Tk], added to the scores; −∞ hides a key, whatever its score. */
  readonly bias?: Floats | undefined;
  /** [Tk], [Tq, Tk], [H, Tq, Tk] or [B, H, Tq, Tk]: 0 hides a key. */
  readonly mask?: Booleans | undefined;
  /** Which blocks of queries and keys see each other. Default: all. */
  readonly blocks?: Blocks | undefined;
  /** [B]: how many keys of each entry of the batch there are; the rest is never read. Default: all. */
  readonly lengths?: ArrayLike<number> | undefined;
  /** Sequences that see only themselves, packed along the token axis; each is aligned on its own. Default: one. */
  readonly packed?: Packed | undefined;
  /** Whether the heads come before the tokens (default), or after them: [T, H, D]. */
  readonly layout?: "heads-first" | "tokens-first" | undefined;
  /** A tensor of the kernels' memory for the result; may not overlap the inputs. Default: the result is a copy outside. */
  readonly into?: WasmTensor | undefined;
}

export interface Attended {
  /** [H, Tq, E], or [Tq, H, E] with the tokens first; with the batch before it, if there is one. */
  readonly out: Floats;
  /** [H, Tq] or [B, H, Tq], ln of the sum of the exponentiated scores, sink included; −∞ where a query sees nothing. */
  readonly lse: Floats;
}
