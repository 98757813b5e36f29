/** What the blocks compute with, on tensors [rows, features] of the kernels' memory. */
import {
  type AttentionOptions,
  type Floats,
  type Kernels,
  PackedWeights,
  type ProjectOptions,
  type ScanInputs,
  type ScanOptions,
  type SsdInputs,
  type SsdOptions,
  type WasmTensor,
} from "../wasm.ts";
import type { Activation } from "./activations.ts";
import type { Memory } from "./memory.ts";

/** Tokens at a time that are written on with, rather than read in. */
const fewQueries = 4;

/** What of the keys a query sees, and how. */
type Reach = Pick<AttentionOptions, "causal" | "scale" | "cap" | "sinks" | "left" | "right">;

/** A norm with its weights at hand. */
export interface NormWeights {
  readonly kind: "rms" | "layer";
  readonly epsilon: number;
  readonly weight?: WasmTensor | undefined;
  readonly bias?: WasmTensor | undefined;
}

/** A matrix of a product: floats, or numbers of few bits. */
export type Matrix = WasmTensor | PackedWeights;

export interface LinearWeights {
  readonly weight: Matrix;
  readonly bias?: WasmTensor | undefined;
}

/** The filters of a convolution, [channels, taps]. */
export interface Filters {
  readonly weight: WasmTensor;
  readonly bias?: WasmTensor | undefined;
}

/** How products take what is multiplied with weights of few bits. */
export type Activations = NonNullable<ProjectOptions["activations"]>;

/** The functions of one pass; its tensors are gone when the pass is. */
export class Ops {
  readonly #kernels: Kernels;
  readonly #memory: Memory;
  readonly #activations: Activations;
  #region: ReturnType<Kernels["region"]>;

  constructor(kernels: Kernels, memory: Memory, activations: Activations) {
    this.#kernels = kernels;
    this.#memory = memory;
    this.#activations = activations;
    this.#region = kernels.region();
  }

  release(): void {
    this.#region.release();
  }

  /** Runs a part of the pass whose tensors are gone when it ends. */
  within(body: () => void): void {
    const outer = this.#region;
    this.#region = this.#kernels.region();
    try {
      body();
    } finally {
      this.#region.release();
      this.#region = outer;
    }
  }

  /** A new tensor; what it holds is undefined until written. */
  tensor(shape: readonly number[]): WasmTensor {
    return this.#region.tensor(shape);
  }

  /** `count` rows of x from `row` on, not a copy. */
  rows(x: WasmTensor, row: number, count: number): WasmTensor {
    const [, ...rest] = x.shape;
    const stride = rest.reduce((product, length) => product * length, 1);
    return this.#memory.at(x.address + 4 * row * stride, [count, ...rest]);
  }

  /** The same values in another shape, not a copy. */
  shaped(x: WasmTensor, shape: readonly number[]): WasmTensor {
    return this.#memory.at(x.address, shape);
  }

  /** `count` rows of a matrix from `row` on, not a copy; of few bits, `row` is a multiple of four. */
  rowsOf(matrix: Matrix, row: number, count: number): Matrix {
    return matrix instanceof PackedWeights ? matrix.rows(row, count) : this.rows(matrix, row, count);
  }

  /** x · weightᵀ + bias. */
  linear(
    x: WasmTensor,
    { weight, bias }: LinearWeights,
    into = this.tensor([x.shape[0]!, weight.shape[0]!]),
  ): WasmTensor {
    if (weight instanceof PackedWeights)
      this.#kernels.project(x, weight, { bias, activations: this.#activations, into });
    else this.#kernels.matmul(x, weight, { transposed: true, bias, into });
    return into;
  }

  /** The rows of a matrix at `indices`, which are among them. */
  lookUp(matrix: Matrix, indices: readonly number[]): WasmTensor {
    const width = matrix.shape[1]!;
    const into = this.tensor([indices.length, width]);
    if (matrix instanceof PackedWeights) {
      const { data } = into;
      indices.forEach((index, i) => {
        matrix.readRow(index, data.subarray(i * width, (i + 1) * width));
      });
    } else this.#kernels.gather(matrix, { shape: [indices.length], data: Int32Array.from(indices) }, { into });
    return into;
  }

  /** Attention of tensors [T, H, D]. */
  attention(q: WasmTensor, k: WasmTensor, v: WasmTensor, into: WasmTensor, options: Reach): void {
    const asked = { ...options, layout: "tokens-first", into } as const;
    // Few queries read the keys as they lie; many have them laid out anew for tiles.
    if (q.shape[0]! <= fewQueries) this.#kernels.decode(q, k, v, asked);
    else this.#kernels.attention(q, k, v, asked);
  }

  /** Each row normalised; in `into`, which may be x itself. */
  norm(x: WasmTensor, { kind, epsilon, weight, bias }: NormWeights, into = this.tensor(x.shape)): WasmTensor {
    this.#kernels.norm(x, kind, { epsilon, weight, bias, into });
    return into;
  }

  /** x += y. */
  add(x: WasmTensor, y: WasmTensor): void {
    this.#kernels.add(x, y, { into: x });
  }

  /** x · factor: a new tensor, or x itself where the factor is 1. */
  scaled(x: WasmTensor, factor = 1): WasmTensor {
    if (factor === 1) return x;
    const out = this.tensor(x.shape);
    const [from, to] = [x.data, out.data];
    for (let i = 0; i < to.length; i++) to[i] = from[i]! * factor;
    return out;
  }

  /** Columns of x from `column` on, copied to the front of `into`. */
  columns(x: WasmTensor, column: number, into: WasmTensor): WasmTensor {
    const [from, to] = [x.data, into.data];
    const [rows, stride] = x.shape as [number, number];
    const width = to.length / rows;
    for (let row = 0; row < rows; row++)
      to.set(from.subarray(row * stride + column, row * stride + column + width), row * width);
    return into;
  }

  /** Turns pairs (i, i + pairs) of each head of x [T, H, D], the first of which stands at `position`, in place. */
  rotate(
    x: WasmTensor,
    position: number,
    pairs: number,
    { cosines, sines }: { readonly cosines: Float32Array; readonly sines: Float32Array },
  ): void {
    const tokens = x.shape[0]!;
    const turns = (of: Float32Array): Floats => ({
      shape: [tokens, pairs],
      data: of.subarray(position * pairs, (position + tokens) * pairs),
    });
    this.#kernels.rotate(x, { cosines: turns(cosines), sines: turns(sines) }, { axis: 0, into: x });
  }

  /** f(x), in place. */
  activate(x: WasmTensor, kind: Activation): WasmTensor {
    this.#kernels.map(x, kind, { into: x });
    return x;
  }

  /** a ← f(a) · b. */
  gated(a: WasmTensor, b: WasmTensor, kind: Activation): void {
    this.#kernels.gated(a, b, kind, { into: a });
  }

  /** The two halves of x · weightᵀ + bias, [rows, outputs / 2] each. */
  halves(x: WasmTensor, { weight, bias }: LinearWeights): [WasmTensor, WasmTensor] {
    const rows = x.shape[0]!;
    const half = weight.shape[0]! / 2;
    // The halves of many rows are products of their own, which leaves them apart; those of one row lie apart already.
    if (rows > 1 && half % 4 === 0) {
      const part = (row: number): LinearWeights => ({
        weight: this.rowsOf(weight, row, half),
        bias: bias && this.rows(bias, row, half),
      });
      return [this.linear(x, part(0)), this.linear(x, part(half))];
    }
    const both = this.linear(x, { weight, bias });
    const columns = (column: number) =>
      rows === 1
        ? this.#memory.at(both.address + 4 * column, [1, half])
        : this.columns(both, column, this.tensor([rows, half]));
    return [columns(0), columns(half)];
  }

  /** Scales x by `scale`, then c · tanh(x / c), in place. */
  cap(x: WasmTensor, scale = 1, cap = Infinity): void {
    if (cap === Infinity) multiply(x.data, scale);
    else {
      multiply(x.data, scale / cap);
      this.#kernels.map(x, "tanh", { into: x });
      multiply(x.data, cap);
    }
  }

  /** A causal convolution of each column of x [T, C], then SiLU; `before` [taps − 1, C] is brought up to date. */
  convolve(x: WasmTensor, { weight, bias }: Filters, before: WasmTensor): WasmTensor {
    const into = this.tensor(x.shape);
    this.#kernels.convolution(x, weight, { bias, activation: "silu", state: before, stateInto: before, into });
    return into;
  }

  /** See `selectiveScan` of the kernels; the state is brought up to date. */
  scan(
    inputs: ScanInputs,
    state: WasmTensor,
    into: WasmTensor,
    options: Pick<ScanOptions, "d" | "z" | "softplus">,
  ): void {
    this.#kernels.selectiveScan(inputs, { ...options, state, stateInto: state, into });
  }

  /** See `ssd` of the kernels; the state is brought up to date. */
  ssd(
    inputs: SsdInputs,
    state: WasmTensor,
    into: WasmTensor,
    options: Pick<SsdOptions, "d" | "bias" | "softplus">,
  ): void {
    this.#kernels.ssd(inputs, { ...options, state, stateInto: state, into });
  }
}

function multiply(data: Float32Array, factor: number): void {
  if (factor !== 1) for (let i = 0; i < data.length; i++) data[i]! *= factor;
}

export const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
/** ln(1 + eˣ), without overflow. */
export const softplus = (x: number): number => (x > 20 ? x : Math.log1p(Math.exp(x)));
