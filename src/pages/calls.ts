/** The calls that pages are made of, on any backend. */
import type { Kernels } from "../wasm/load.ts";

type Used = Pick<
  Kernels,
  | "add"
  | "attention"
  | "convolution"
  | "decode"
  | "deltaRule"
  | "diagonalSystem"
  | "fourier"
  | "gated"
  | "gather"
  | "linearAttention"
  | "longConvolution"
  | "map"
  | "matmul"
  | "merge"
  | "norm"
  | "recurrence"
  | "rotate"
  | "selectiveScan"
  | "ssd"
>;

/** Options without those that say where a result goes, which is a backend's own affair. */
type Outside<T> = T extends unknown
  ? "into" extends keyof T
    ? { [Name in keyof T as Exclude<Name, "into" | `${string}Into`>]: T[Name] }
    : T
  : never;
type Given<All extends readonly unknown[]> = { [Place in keyof All]: Outside<All[Place]> };

/**
 * The kernels as pages call them: with arrays of JavaScript, for an answer now or promised. Each is a plain function,
 * which needs no `this`.
 */
export type Calls = {
  readonly [Name in keyof Used]: (
    ...given: Given<Parameters<Used[Name]>>
  ) => ReturnType<Used[Name]> | Promise<ReturnType<Used[Name]>>;
};
