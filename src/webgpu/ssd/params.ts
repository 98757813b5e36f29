import { params } from "../params.ts";

/** Tokens of a chunk, within which sums over tokens are products of matrices. */
export const chunk = 64;

/** Rows of a head's table for each chunk: steps, exponents of 2 of the decays, those since the chunk began, and Δ times what is left of a token when it ends. */
export const fadeRows = 4;

export const ssdParams = params({
  ...{ tokens: "u32", heads: "u32", groups: "u32", width: "u32", states: "u32", chunks: "u32" },
  ...{ u: "u32", delta: "u32", b: "u32", c: "u32", out: "u32" },
});

/** Sizes that the programs share. */
export interface SsdVectors {
  /** Whether rows of u, and rows of states, are multiples of four long. */
  readonly wide: boolean;
  readonly deep: boolean;
}
