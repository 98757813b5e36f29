/** What the bench measures: one job, done by this package's kernels and by others, interleaved in one process. */
import type { Id } from "../../spec/catalogue.ts";
import type { Region } from "../wasm/arena.ts";
import type { Kernels } from "../wasm/load.ts";
import type { Floats, WasmTensor } from "../wasm/tensor.ts";
import type { Onnx } from "./rivals/onnx.ts";
import type { Tensorflow } from "./rivals/tensorflow.ts";

/** Someone else who does the same job: straight loops, another library, or another kernel of ours. */
export type Rival = () => ArrayLike<number> | Floats | undefined | Promise<ArrayLike<number> | Floats | undefined>;

export interface Contest {
  /** What is computed, with its sizes: `attention 1024 causal`. */
  readonly name: string;
  /** The page whose mechanism it is, where the documentation shows it. */
  readonly page?: Id;
  /** Multiplications and additions it takes; gives the share of the peak of arithmetic. */
  readonly operations?: number;
  /** Bytes that have to be read from memory; gives the share of the load bandwidth. */
  readonly bytes?: number;
  readonly ours: () => Floats | undefined;
  /** The others by name; one that is not there is left out. Their results are compared with ours where they return any. */
  readonly rivals?: Readonly<Record<string, Rival | undefined>>;
  /** How far results may differ, as a share of the largest. Default 1e-3: it tells a different job, not an inexact one. */
  readonly agree?: number;
}

/** What a contest is made with. */
export interface Ring {
  readonly kernels: Kernels;
  /** Where its tensors lie; for what is made with more than a shape. */
  readonly region: Region;
  /** A tensor in the kernels' memory, standard normal values. */
  drawn(...shape: number[]): WasmTensor;
  /** A tensor in the kernels' memory to write to. */
  blank(...shape: number[]): WasmTensor;
  /** The same kernels on that many threads, in a memory of their own, until the bench closes the ring. */
  threaded(threads: number): Promise<Kernels>;
  /** Peers that are installed. */
  readonly onnx?: Onnx | undefined;
  readonly tensorflow?: Tensorflow | undefined;
}

/** The contests of one kind; tensors live until the bench closes the ring after them. */
export type Contests = (ring: Ring) => readonly Contest[] | Promise<readonly Contest[]>;
