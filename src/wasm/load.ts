/** Finding, choosing and starting the kernels. */
import { Arena, type ArenaOptions, type Region } from "./arena.ts";
import { attention } from "./attention/attention.ts";
import type { Attended, AttentionOptions } from "./attention/options.ts";
import { Cache, type CacheOptions } from "./cache.ts";
import type { Carried, CarriedOptions } from "./carried.ts";
import { type ConvolutionOptions, convolution } from "./convolution.ts";
import { decode } from "./decode/decode.ts";
import { type MergeOptions, merge } from "./decode/merge.ts";
import type { DecodeOptions } from "./decode/options.ts";
import type { Rows } from "./decode/rows.ts";
import { type DeltaRuled, type DeltaRuleOptions, deltaRule } from "./delta.ts";
import { DotChoice, type Dots } from "./dots.ts";
import { type Elementwise, gated, type MapOptions, map } from "./elementwise.ts";
import { KernelError } from "./error.ts";
import { areKernels, type Exports } from "./exports.ts";
import { hasRelaxedSimd, hasSimd } from "./features.ts";
import { type Complex, type FourierOptions, fourier, type LongConvolutionOptions, longConvolution } from "./fourier.ts";
import { gather } from "./gather.ts";
import { type LinearAttentionOptions, type LinearlyAttended, linearAttention } from "./linear.ts";
import { type MatmulOptions, matmul } from "./matmul.ts";
import { checked } from "./options.ts";
import { type PackedWeights, Packing, type ProjectOptions, pack, project } from "./project.ts";
import type { Format, Quantised } from "./quantise.ts";
import { type RotaryOptions, type RotaryTable, rotate } from "./rotary.ts";
import * as rows from "./rows.ts";
import {
  type DiagonalInputs,
  type DiagonalOptions,
  type DiagonalStates,
  diagonalSystem,
  recurrence,
  type ScanInputs,
  type ScanOptions,
  selectiveScan,
} from "./scan.ts";
import { type SsdInputs, type SsdOptions, ssd } from "./ssd.ts";
import type { Floats, Halves, Integers } from "./tensor.ts";
import { mostThreads } from "./threads/control.ts";
import { Pool } from "./threads/pool.ts";
import { mostPages, sharing } from "./threads/shared.ts";
import { splitting } from "./threads/split.ts";
import { starter } from "./threads/worker.ts";
import { type Tile, TileChoice } from "./tile.ts";

/** The kernels themselves, or both targets, of which the better one that the engine runs is taken. */
export type Source<T> = T | { readonly simd: T; readonly relaxed?: T | undefined };

export interface LoadOptions extends ArenaOptions {
  /** Compiled already; where compiling is forbidden (Workers), import the package's `kernels.wasm` as a module. */
  readonly module?: Source<WebAssembly.Module> | undefined;
  readonly bytes?: Source<BufferSource> | undefined;
  readonly url?: Source<string | URL> | undefined;
  /**
   * How the tiles of products are made, which changes their speed and nothing else. Default: what is fastest here,
   * measured four times for 5 ms, after some 30 ms of work at first and after some 250 ms at last, and kept for all
   * kernels of the process.
   */
  readonly tile?: Tile | undefined;
  /**
   * How products of weights of few bits with activations of 8 bits are made, and decode steps over caches of int8 with
   * one query a key head, which changes their speed and nothing else.
   * Default: by the engine's own dot product of bytes where that is exact, which is found out when it is first needed.
   */
  readonly dots?: Dots | undefined;
  /**
   * Threads that share the work of large calls, the caller's among them. Default 1. More take shared memory and
   * workers: Node, Deno, Bun and browsers whose page is cross-origin isolated and allows `blob:` workers have them;
   * elsewhere it stays at one, and {@link Kernels.threads} tells. The kernels must then come as bytes or from a URL,
   * since a compiled module cannot share its memory, and a memory that is given must be shared.
   */
  readonly threads?: number | undefined;
}

export interface Kernels {
  /** How many threads share the work of large calls. Results are the same bits, however many. */
  readonly threads: number;
  /** How many workers have started, which the first large call asks of them, and how many tasks they have done. */
  readonly workers: { readonly started: number; readonly tasks: number };
  /** Which instructions they use; `relaxed` is faster, and rounds each product and sum together where the processor can. */
  readonly target: "simd" | "relaxed";
  /** How the tiles of products are made at the moment. */
  readonly tile: Tile;
  /** How products with activations of 8 bits, and decode steps over caches of int8, are made. */
  readonly dots: Dots;
  readonly arena: Arena;
  /** The functions of the module, for callers that keep their own memory; they check nothing. */
  readonly exports: Exports;
  /**
   * Ends the workers, if there are any; the kernels then go on in one thread. In Node and Bun a process ends without
   * it, too.
   */
  close(): void;
  /** Opens a region of memory, for tensors that calls neither copy in nor out. */
  region(): Region;
  /** See {@link matmul}. */
  matmul(a: Floats, b: Floats, options?: MatmulOptions): Floats;
  /** See {@link attention}. */
  attention(q: Floats, k: Floats, v: Floats, options?: AttentionOptions): Attended;
  /** See {@link linearAttention}. */
  linearAttention(q: Floats, k: Floats, v: Floats, options?: LinearAttentionOptions): LinearlyAttended;
  /** See {@link map}. */
  map(x: Floats, f: Elementwise, options?: MapOptions): Floats;
  /** See {@link gated}. */
  gated(a: Floats, b: Floats, f: Elementwise, options?: MapOptions): Floats;
  /** See {@link convolution}. */
  convolution(x: Floats, weights: Floats, options?: ConvolutionOptions): Carried;
  /** See {@link selectiveScan}. */
  selectiveScan(inputs: ScanInputs, options?: ScanOptions): Carried;
  /** See {@link recurrence}. */
  recurrence(factors: Floats, x: Floats, options?: CarriedOptions): Carried;
  /** See {@link diagonalSystem}. */
  diagonalSystem(inputs: DiagonalInputs, options?: DiagonalOptions): DiagonalStates;
  /** See {@link ssd}. */
  ssd(inputs: SsdInputs, options?: SsdOptions): Carried;
  /** See {@link fourier}. */
  fourier(re: Floats, im: Floats | undefined, options: FourierOptions): Complex;
  /** See {@link longConvolution}. */
  longConvolution(u: Floats, taps: Floats, options?: LongConvolutionOptions): Floats;
  /** See {@link deltaRule}. */
  deltaRule(q: Floats, k: Floats, v: Floats, options?: DeltaRuleOptions): DeltaRuled;
  /** See {@link pack}. */
  pack(weights: Quantised, region: Region): PackedWeights;
  /** Room for weights [N, K] that come piece by piece; see {@link Packing}. */
  packing(shape: readonly number[], format: Format, region: Region): Packing;
  /** See {@link project}. */
  project(x: Floats, weights: PackedWeights | Quantised, options?: ProjectOptions): Floats;
  /** a + b, value by value, of one shape. */
  add(a: Floats, b: Floats, options?: MapOptions): Floats;
  /** The softmax of each row (the last axis); a row of −∞ alone gives zeros. */
  softmax(x: Floats, options?: MapOptions): Floats;
  /** ln Σ e^x of each row (the last axis); −∞ for a row of −∞ alone. */
  logSumExp(x: Floats, options?: MapOptions): Floats;
  /** Each row (the last axis) over its root mean square (`rms`), deviation (`layer`) or length (`l2`). */
  norm(x: Floats, kind: rows.Norm, options?: rows.NormOptions): Floats;
  /** The largest values of each row and their places, falling; ties go to the lower place, NaN is largest. */
  topK(x: Floats, count: number): rows.Top;
  /** The place of the largest value of each row (the last axis); ties go to the lower place, NaN is largest. */
  argmax(x: Floats): Integers;
  /** See {@link rotate}. */
  rotate(x: Floats, table: RotaryTable, options?: RotaryOptions): Floats;
  /** See {@link gather}. */
  gather(table: Floats | Halves, indices: Integers, options?: MapOptions): Floats;
  /** See {@link decode}. */
  decode(q: Floats, k: Rows, v: Rows, options?: DecodeOptions): Attended;
  /** See {@link merge}. */
  merge(parts: readonly Attended[], options?: MergeOptions): Attended;
  /** An empty {@link Cache}. */
  cache(options: CacheOptions): Cache;
}

/**
 * Starts the kernels from a module, bytes or a URL. With none of them given it finds the package's own files beside
 * itself and takes the relaxed ones where the engine has relaxed SIMD.
 *
 * @throws KernelError if the engine has no SIMD, more than one source is given, or the source is not of this package.
 */
export async function load(options: LoadOptions = {}): Promise<Kernels> {
  const { module, bytes, url, tile, dots, threads = 1, ...memory } = checked("load", options);
  const given = Object.entries({ module, bytes, url }).filter(([, source]) => source !== undefined);
  if (given.length > 1)
    throw new KernelError("load", given[1]![0], `give one of ${given.map(([name]) => name).join(", ")}, not more`);
  if (!hasSimd())
    throw new KernelError(
      "load",
      "engine",
      "this engine has no WebAssembly SIMD, which the kernels need; the pages of the specification run anywhere",
    );
  if (!Number.isSafeInteger(threads) || threads < 1 || threads > mostThreads)
    throw new KernelError("load", "threads", `threads must be a whole number from 1 to ${mostThreads}, got ${threads}`);
  const start = threads > 1 ? await starter() : undefined;
  const arena = new Arena(start ? sharedMemory(options) : memory);
  const compiled = start ? await compiledShared(options) : await compile(options);
  const instance = await WebAssembly.instantiate(compiled, { env: { memory: arena.memory } });
  if (!areKernels(instance.exports))
    throw new KernelError(
      "load",
      given[0]?.[0] ?? "url",
      `the module exports ${Object.keys(instance.exports).join(", ") || "nothing"}, not this version's kernels; give the package's kernels.wasm or kernels.relaxed.wasm`,
    );
  if (!start) return kernels(instance.exports, arena, tile, dots, undefined);
  const pool = new Pool(threads, start, compiled, arena.memory, instance.exports);
  return kernels(splitting(instance.exports, arena, pool), arena, tile, dots, pool);
}

/** A memory that threads share: the caller's, or one that grows as far as the engine lets it. */
function sharedMemory({ memory, from, poison }: LoadOptions): ArenaOptions {
  if (memory) {
    if (memory.buffer instanceof SharedArrayBuffer) return { memory, from, poison };
    throw new KernelError(
      "load",
      "memory",
      "memory must be shared for more than one thread; make it with shared: true",
    );
  }
  for (let maximum = mostPages; ; maximum /= 2)
    try {
      return { memory: new WebAssembly.Memory({ initial: 1, maximum, shared: true }), from: 0, poison };
    } catch (cause) {
      // What a shared memory may grow to is set aside from the start.
      if (maximum < 1024) throw cause;
    }
}

function kernels(
  exports: Exports,
  arena: Arena,
  tile: Tile | undefined,
  dots: Dots | undefined,
  pool: Pool | undefined,
): Kernels {
  const target = exports.relaxed.value ? "relaxed" : "simd";
  const way = new DotChoice(exports, arena, dots);
  const choice = new TileChoice(exports, arena, target, tile);
  return {
    target,
    get threads() {
      return pool && !pool.closed ? pool.threads : 1;
    },
    get workers() {
      return pool?.workers ?? { started: 0, tasks: 0 };
    },
    close: () => pool?.close(),
    get tile() {
      return choice.tile;
    },
    get dots() {
      return way.dots;
    },
    arena,
    exports,
    region: () => arena.region(),
    matmul(a, b, options) {
      const product = matmul(exports, arena, a, b, checked("matmul", options));
      choice.spend(2 * product.data.length * a.shape.at(-1)!);
      return product;
    },
    attention(q, k, v, options) {
      const attended = attention(exports, arena, q, k, v, checked("attention", options));
      choice.spend(2 * attended.lse.data.length * (k.data.length / k.shape.at(-1)!) * (q.shape.at(-1)! + 1));
      return attended;
    },
    linearAttention: (q, k, v, options) =>
      linearAttention(exports, arena, q, k, v, checked("linearAttention", options)),
    map: (x, f, options) => map(exports, arena, x, f, checked("map", options)),
    gated: (a, b, f, options) => gated(exports, arena, a, b, f, checked("gated", options)),
    convolution: (x, weights, options) => convolution(exports, arena, x, weights, checked("convolution", options)),
    selectiveScan: (inputs, options) => selectiveScan(exports, arena, inputs, checked("selectiveScan", options)),
    recurrence: (factors, x, options) => recurrence(exports, arena, factors, x, checked("recurrence", options)),
    diagonalSystem: (inputs, options) => diagonalSystem(exports, arena, inputs, checked("diagonalSystem", options)),
    ssd: (inputs, options) => ssd(exports, arena, inputs, checked("ssd", options)),
    fourier: (re, im, options) => fourier(exports, arena, re, im, checked("fourier", options)),
    longConvolution: (u, taps, options) =>
      longConvolution(exports, arena, u, taps, checked("longConvolution", options)),
    deltaRule: (q, k, v, options) => deltaRule(exports, arena, q, k, v, checked("deltaRule", options)),
    pack: (weights, region) => pack(exports, arena, weights, region),
    packing: (shape, format, region) => new Packing(exports, arena, shape, format, region),
    project: (x, weights, options) => project(exports, arena, x, weights, checked("project", options), way),
    add: (a, b, options) => rows.add(exports, arena, a, b, checked("add", options)),
    softmax: (x, options) => rows.softmax(exports, arena, x, checked("softmax", options)),
    logSumExp: (x, options) => rows.logSumExp(exports, arena, x, checked("logSumExp", options)),
    norm: (x, kind, options) => rows.norm(exports, arena, x, kind, checked("norm", options)),
    topK: (x, count) => rows.topK(exports, arena, x, count),
    argmax: (x) => rows.argmax(exports, arena, x),
    rotate: (x, table, options) => rotate(exports, arena, x, table, checked("rotate", options)),
    gather: (table, indices, options) => gather(exports, arena, table, indices, checked("gather", options)),
    decode: (q, k, v, options) => decode(exports, arena, q, k, v, checked("decode", options), way),
    merge: (parts, options) => merge(exports, arena, parts, checked("merge", options)),
    cache: (options) => new Cache(exports, arena, checked("cache", options), way),
  };
}

async function compile({ module, bytes, url }: LoadOptions): Promise<WebAssembly.Module> {
  if (module !== undefined) return better(module);
  if (bytes !== undefined) return WebAssembly.compile(better(bytes));
  return WebAssembly.compile(await read(new URL(better(url ?? kernelFiles()), import.meta.url)));
}

async function compiledShared({ module, bytes, url }: LoadOptions): Promise<WebAssembly.Module> {
  if (module !== undefined)
    throw new KernelError(
      "load",
      "module",
      "a compiled module cannot share its memory: give bytes or url for more than one thread, or threads: 1",
    );
  const own = bytes !== undefined ? better(bytes) : await read(new URL(better(url ?? kernelFiles()), import.meta.url));
  return WebAssembly.compile(sharing(own));
}

const better = <T>(source: Source<T>): T => {
  if (typeof source !== "object" || source === null || !("simd" in source)) return source as T;
  return source.relaxed !== undefined && hasRelaxedSimd() ? source.relaxed : source.simd;
};

/** The files of both targets: in the package they lie in `dist`, in the source tree where the tests compile them to. */
export const kernelFiles = (): { readonly simd: URL; readonly relaxed: URL } =>
  import.meta.url.endsWith(".ts")
    ? {
        simd: new URL("../../node_modules/.cache/attnspec/kernels.wasm", import.meta.url),
        relaxed: new URL("../../node_modules/.cache/attnspec/kernels.relaxed.wasm", import.meta.url),
      }
    : {
        simd: new URL("../../kernels.wasm", import.meta.url),
        relaxed: new URL("../../kernels.relaxed.wasm", import.meta.url),
      };

/** What Deno reads files with itself: its copy of Node's file system takes longer to load than all the rest. */
interface DenoFiles {
  readFile(url: URL): Promise<Uint8Array<ArrayBuffer>>;
}

/** Node's fetch knows no files; its file system is asked for only here, under a name that bundlers do not follow. */
async function read(url: URL): Promise<BufferSource> {
  if (url.protocol === "file:") {
    const { Deno } = globalThis as { readonly Deno?: DenoFiles };
    if (Deno) return Deno.readFile(url);
    const name = "node:fs/promises";
    const files: { readFile(url: URL): Promise<Uint8Array<ArrayBuffer>> } = await import(/* @vite-ignore */ name);
    return files.readFile(url);
  }
  const response = await fetch(url);
  if (!response.ok)
    throw new KernelError(
      "load",
      "url",
      `${url} answered ${response.status} ${response.statusText}, expected the kernels`,
    );
  return response.arrayBuffer();
}
