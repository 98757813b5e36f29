/** Where the files of a model come from. */
import type { RangeFile } from "../io/ranges.ts";

export type { RangeFile } from "../io/ranges.ts";

/** A place that holds the files of one model, whole or by parts. */
export interface Source {
  /** What errors call it. */
  readonly name: string;
  /** The file of that name, relative to the model; `undefined` if there is none. */
  open(file: string, signal?: AbortSignal): Promise<RangeFile | undefined>;
}
