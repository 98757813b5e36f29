/** Finding, choosing and starting the kernels. */
import { Arena, type ArenaOptions, type Region } from "./arena.ts";
import { attention } from "./attention/attention.ts";
import type { Attended, AttentionOptions } from "./attention/options.ts";
import type { Carried, CarriedOptions } from "./carried.ts";
import { type ConvolutionOptions, convolution } from "./convolution.ts";
import { type DeltaRuled, type DeltaRuleOptions, deltaRule } from "./delta.ts";
import { type Elementwise, gated, type MapOptions, map } from "./elementwise.ts";
import { KernelError } from "./error.ts";
import { areKernels, type Exports } from "./exports.ts";
import { hasRelaxedSimd, hasSimd } from "./features.ts";
import { type Complex, type FourierOptions, fourier, type LongConvolutionOptions, longConvolution } from "./fourier.ts";
import { gather } from "./gather.ts";
import { type LinearAttentionOptions, type LinearlyAttended, linearAttention } from "./linear.ts";
import { type MatmulOptions, matmul } from "./matmul.ts";
import { type PackedWeights, type ProjectOptions, pack, project } from "./project.ts";
import type { Quantised } from "./quantise.ts";
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
   * measured for 20 ms once there have been some 30 ms of work, and kept for all kernels of the process.
   */
  readonly tile?: Tile | undefined;
}

export interface Kernels {
  /** Which instructions they use; `relaxed` is faster, and rounds each product and sum together where the processor can. */
  readonly target: "simd" | "relaxed";
  /** How the tiles of products are made at the moment. */
  readonly tile: Tile;
  readonly arena: Arena;
  /** The functions of the module, for callers that keep their own memory; they check nothing. */
  readonly exports: Exports;
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
  /** See {@link project}. */
  project(x: Floats, weights: PackedWeights | Quantised, options?: ProjectOptions): Floats;
  /** See {@link rows.add}. */
  add(a: Floats, b: Floats, options?: MapOptions): Floats;
  /** See {@link rows.softmax}. */
  softmax(x: Floats, options?: MapOptions): Floats;
  /** See {@link rows.logSumExp}. */
  logSumExp(x: Floats, options?: MapOptions): Floats;
  /** See {@link rows.norm}. */
  norm(x: Floats, kind: rows.Norm, options?: rows.NormOptions): Floats;
  /** See {@link rows.topK}. */
  topK(x: Floats, count: number): rows.Top;
  /** See {@link rows.argmax}. */
  argmax(x: Floats): Integers;
  /** See {@link rotate}. */
  rotate(x: Floats, table: RotaryTable, options?: RotaryOptions): Floats;
  /** See {@link gather}. */
  gather(table: Floats | Halves, indices: Integers, options?: MapOptions): Floats;
}

/**
 * Starts the kernels from a module, bytes or a URL. With none of them given it finds the package's own files beside
 * itself and takes the relaxed ones where the engine has relaxed SIMD.
 *
 * @throws KernelError if the engine has no SIMD, more than one source is given, or the source is not of this package.
 */
export async function load(options: LoadOptions = {}): Promise<Kernels> {
  const { module, bytes, url, tile, ...memory } = options;
  const given = Object.entries({ module, bytes, url }).filter(([, source]) => source !== undefined);
  if (given.length > 1)
    throw new KernelError("load", given[1]![0], `give one of ${given.map(([name]) => name).join(", ")}, not more`);
  if (!hasSimd())
    throw new KernelError(
      "load",
      "engine",
      "this engine has no WebAssembly SIMD, which the kernels need; the pages of the specification run anywhere",
    );
  const arena = new Arena(memory);
  const instance = await WebAssembly.instantiate(await compiled(options), { env: { memory: arena.memory } });
  if (!areKernels(instance.exports))
    throw new KernelError(
      "load",
      given[0]?.[0] ?? "url",
      `the module exports ${Object.keys(instance.exports).join(", ") || "nothing"}, not this version's kernels; give the package's kernels.wasm or kernels.relaxed.wasm`,
    );
  return kernels(instance.exports, arena, tile);
}

function kernels(exports: Exports, arena: Arena, tile: Tile | undefined): Kernels {
  const target = exports.relaxed.value ? "relaxed" : "simd";
  const choice = new TileChoice(exports, arena, target, tile);
  return {
    target,
    get tile() {
      return choice.tile;
    },
    arena,
    exports,
    region: () => arena.region(),
    matmul(a, b, options) {
      const product = matmul(exports, arena, a, b, options);
      choice.spend(2 * product.data.length * a.shape.at(-1)!);
      return product;
    },
    attention(q, k, v, options) {
      const attended = attention(exports, arena, q, k, v, options);
      choice.spend(2 * attended.lse.data.length * (k.data.length / k.shape.at(-1)!) * (q.shape.at(-1)! + 1));
      return attended;
    },
    linearAttention: (q, k, v, options) => linearAttention(exports, arena, q, k, v, options),
    map: (x, f, options) => map(exports, arena, x, f, options),
    gated: (a, b, f, options) => gated(exports, arena, a, b, f, options),
    convolution: (x, weights, options) => convolution(exports, arena, x, weights, options),
    selectiveScan: (inputs, options) => selectiveScan(exports, arena, inputs, options),
    recurrence: (factors, x, options) => recurrence(exports, arena, factors, x, options),
    diagonalSystem: (inputs, options) => diagonalSystem(exports, arena, inputs, options),
    ssd: (inputs, options) => ssd(exports, arena, inputs, options),
    fourier: (re, im, options) => fourier(exports, arena, re, im, options),
    longConvolution: (u, taps, options) => longConvolution(exports, arena, u, taps, options),
    deltaRule: (q, k, v, options) => deltaRule(exports, arena, q, k, v, options),
    pack: (weights, region) => pack(exports, arena, weights, region),
    project: (x, weights, options) => project(exports, arena, x, weights, options),
    add: (a, b, options) => rows.add(exports, arena, a, b, options),
    softmax: (x, options) => rows.softmax(exports, arena, x, options),
    logSumExp: (x, options) => rows.logSumExp(exports, arena, x, options),
    norm: (x, kind, options) => rows.norm(exports, arena, x, kind, options),
    topK: (x, count) => rows.topK(exports, arena, x, count),
    argmax: (x) => rows.argmax(exports, arena, x),
    rotate: (x, table, options) => rotate(exports, arena, x, table, options),
    gather: (table, indices, options) => gather(exports, arena, table, indices, options),
  };
}

async function compiled({ module, bytes, url }: LoadOptions): Promise<WebAssembly.Module> {
  if (module !== undefined) return better(module);
  if (bytes !== undefined) return WebAssembly.compile(better(bytes));
  return WebAssembly.compile(await read(new URL(better(url ?? kernelFiles()), import.meta.url)));
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

/** Node's fetch knows no files; its file system is asked for only here, under a name that bundlers do not follow. */
async function read(url: URL): Promise<BufferSource> {
  if (url.protocol === "file:") {
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
