/**
 * How products of bytes are made. One relaxed instruction multiplies sixteen pairs of bytes and adds them up four by four;
 * what it does where the second of a pair has its highest bit set is left to the engine: processors with a dot product read
 * it without a sign (x86) or with one (ARM) and are exact, others saturate. Sums of whole numbers are the same in any way
 * that is exact, so that results are the same bits.
 */
import type { Arena } from "./arena.ts";
import { KernelError } from "./error.ts";
import type { Exports } from "./exports.ts";
import { formats } from "./quantise.ts";

/** By the engine's dot product, which takes the second byte without or with a sign; or in 16 bits, where it is not exact. */
export const dots = ["unsigned", "signed", "wide"] as const;
export type Dots = (typeof dots)[number];

/** Where the operands of an integer product lie; 0 for what is not there. */
export interface IntegerProduct {
  readonly format: (typeof formats)[number];
  readonly weights: number;
  /** The scales of the rows of `int8`. */
  readonly scales: number;
  readonly source: number;
  readonly bias: number;
  readonly target: number;
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
}

/** Rounds activations to 8 bits and multiplies them with weights. */
export function integerProduct(exports: Exports, arena: Arena, how: Dots, job: IntegerProduct): void {
  const { format, weights, scales, source, bias, target, rows, columns, depth } = job;
  const which = formats.indexOf(format);
  const blocks = Math.ceil(depth / 32);
  const region = arena.region();
  try {
    const numbers = region.allocate(rows * (how === "wide" ? exports.activationBytes(which, depth) : 32 * blocks));
    const groups = region.allocate(4 * rows * (format === "int8" ? 1 : blocks));
    const sums = region.allocate(4 * rows * blocks);
    const sides = [which, weights, scales, numbers, groups, sums, bias, target, rows, columns, depth] as const;
    if (how === "wide") {
      exports.quantiseActivations(which, source, rows, depth, numbers, groups, sums);
      exports.integerProduct(...sides, region.allocate(64));
    } else {
      // What weights are more than they should be, each time, is taken off their sums.
      const more = format === "q4_0" ? 8 : how === "unsigned" ? 128 : 0;
      exports.quantiseBytes(which, source, rows, depth, -more, numbers, groups, sums);
      exports.dotProduct(...sides, how === "unsigned" ? 0x80 : 0, region.allocate(exports.dotScratch()));
    }
  } finally {
    region.release();
  }
}

/** Finds out which way the engine goes, when products are first made; or goes the way it is told. */
export class DotChoice {
  readonly #exports: Exports;
  readonly #arena: Arena;
  #dots: Dots | undefined;

  constructor(exports: Exports, arena: Arena, given: Dots | undefined) {
    this.#exports = exports;
    this.#arena = arena;
    if (given === undefined) return;
    if (!dots.includes(given)) throw new KernelError("load", "dots", `dots must be ${dots.join(" or ")}, got ${given}`);
    if (given !== "wide" && !this.#exact(given))
      throw new KernelError(
        "load",
        "dots",
        `this engine has no exact dot product of ${given} bytes; it has ${this.dots}`,
      );
    this.#dots = given;
  }

  get dots(): Dots {
    this.#dots ??= dots.find((one) => one === "wide" || this.#exact(one))!;
    return this.#dots;
  }

  /** Whether products of the extremes of bytes are exact, in tiles of every height, and so with registers running out. */
  #exact(how: Dots): boolean {
    if (!this.#exports.relaxed.value) return false;
    const [N, K] = [20, 64];
    const weight = (n: number, k: number) => extremes[(n + k * (1 + (n & 3))) % extremes.length]!;
    const number = (m: number, k: number) => (k === m ? 127 : ((m + k) & 2 ? 1 : -1) * (127 - ((k * m) % 5)));
    const region = this.#arena.region();
    try {
      const packed = region.allocate(this.#exports.packedBytes(0, N, K));
      const bytes = region.allocate(N * K);
      new Int8Array(this.#arena.memory.buffer, bytes, N * K).forEach((_, i, all) => {
        all[i] = weight(Math.floor(i / K), i % K);
      });
      this.#exports.pack(0, bytes, N, K, packed);
      const scales = region.tensorOf({ shape: [N], data: new Float32Array(N).fill(1) });
      for (let M = 1; M <= 5; M++) {
        // The largest is 127, so that the scale is 1 and numbers stay as they are.
        const data = Float32Array.from({ length: M * K }, (_, i) => number(Math.floor(i / K), i % K));
        const x = region.tensorOf({ shape: [M, K], data });
        const y = region.tensor([M, N]);
        integerProduct(this.#exports, this.#arena, how, {
          ...{ format: "int8", weights: packed, scales: scales.address, source: x.address, bias: 0 },
          ...{ target: y.address, rows: M, columns: N, depth: K },
        });
        for (let m = 0; m < M; m++)
          for (let n = 0; n < N; n++) {
            let sum = 0;
            for (let k = 0; k < K; k++) sum += number(m, k) * weight(n, k);
            if (y.data[m * N + n] !== sum) return false;
          }
      }
      return true;
    } finally {
      region.release();
    }
  }
}

const extremes = [-128, -128, -128, -128, 127, 127, 127, 127, -128, 127, -1, 0, 1, -127, 64] as const;
