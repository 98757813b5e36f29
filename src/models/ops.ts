/**
 * What the blocks compute with, on tensors [rows, features] of the kernels' memory. Products, attention and
 * activations are kernels; the rest, linear in what it reads, is plain code.
 */
import type { AttentionOptions, Kernels, WasmTensor } from "../wasm.ts";
import type { Activation } from "./activations.ts";
import type { Memory } from "./memory.ts";

/** A norm with its weights at hand. */
export interface NormWeights {
  readonly kind: "rms" | "layer";
  readonly epsilon: number;
  readonly weight: WasmTensor;
  readonly bias?: WasmTensor | undefined;
}

export interface LinearWeights {
  readonly weight: WasmTensor;
  readonly bias?: WasmTensor | undefined;
}

/** The functions of one pass; its tensors are gone when the pass is. */
export class Ops {
  readonly #kernels: Kernels;
  readonly #memory: Memory;
  readonly #region: ReturnType<Kernels["region"]>;

  constructor(kernels: Kernels, memory: Memory) {
    this.#kernels = kernels;
    this.#memory = memory;
    this.#region = kernels.region();
  }

  release(): void {
    this.#region.release();
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

  /** x · weightᵀ + bias. */
  linear(x: WasmTensor, { weight, bias }: LinearWeights): WasmTensor {
    const out = this.tensor([x.shape[0]!, weight.shape[0]!]);
    this.#kernels.matmul(x, weight, { transposed: true, bias, into: out });
    return out;
  }

  /** Attention of tensors [T, H, D]. */
  attention(q: WasmTensor, k: WasmTensor, v: WasmTensor, into: WasmTensor, options: AttentionOptions): void {
    this.#kernels.attention(q, k, v, { ...options, layout: "tokens-first", into });
  }

  /** Each row normalised; in `into`, which may be x itself. */
  norm(x: WasmTensor, { kind, epsilon, weight, bias }: NormWeights, into = this.tensor(x.shape)): WasmTensor {
    const [from, to, scale, shift] = [x.data, into.data, weight.data, bias?.data];
    const width = scale.length;
    for (let row = 0; row < from.length; row += width) {
      let [mean, square] = [0, 0];
      if (kind === "layer") for (let i = 0; i < width; i++) mean += from[row + i]!;
      mean /= width;
      for (let i = 0; i < width; i++) square += (from[row + i]! - mean) ** 2;
      const factor = 1 / Math.sqrt(square / width + epsilon);
      for (let i = 0; i < width; i++)
        to[row + i] = (from[row + i]! - mean) * factor * scale[i]! + (shift ? shift[i]! : 0);
    }
    return into;
  }

  /** x += y. */
  add(x: WasmTensor, y: WasmTensor): void {
    const [to, from] = [x.data, y.data];
    for (let i = 0; i < to.length; i++) to[i]! += from[i]!;
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
    const [tokens, heads, width] = x.shape as [number, number, number];
    const { data } = x;
    for (let t = 0; t < tokens; t++)
      for (let h = 0; h < heads; h++) {
        const at = (t * heads + h) * width;
        const turn = (position + t) * pairs;
        for (let i = 0; i < pairs; i++) {
          const [a, b, c, s] = [data[at + i]!, data[at + pairs + i]!, cosines[turn + i]!, sines[turn + i]!];
          data[at + i] = a * c - b * s;
          data[at + pairs + i] = b * c + a * s;
        }
      }
  }

  /** f(x), in place. */
  activate(x: WasmTensor, kind: Activation): WasmTensor {
    this.#kernels.map(x, kind, { into: x });
    return x;
  }

  /** f(scale · first half of each row) · second half. */
  gate(x: WasmTensor, kind: Activation, scale = 1): WasmTensor {
    const [rows, both] = x.shape as [number, number];
    const shape = [rows, both / 2];
    // The halves of one row are tensors already.
    const half = (column: number) =>
      rows === 1 ? this.#memory.at(x.address + 4 * column, shape) : this.columns(x, column, this.tensor(shape));
    const gated = this.scaled(half(0), scale);
    this.#kernels.gated(gated, half(both / 2), kind, { into: gated });
    return gated;
  }

  /** Scales x by `scale`, then c · tanh(x / c), in place. */
  cap(x: WasmTensor, scale = 1, cap = Infinity): void {
    const { data } = x;
    if (scale !== 1) for (let i = 0; i < data.length; i++) data[i]! *= scale;
    if (cap < Infinity) for (let i = 0; i < data.length; i++) data[i] = cap * Math.tanh(data[i]! / cap);
  }
}

export const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
export const silu = (x: number): number => x * sigmoid(x);
/** ln(1 + eˣ), without overflow. */
export const softplus = (x: number): number => (x > 20 ? x : Math.log1p(Math.exp(x)));
