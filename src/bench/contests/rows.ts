/** Functions of values and rows. */
import type { Elementwise } from "../../wasm/elementwise.ts";
import { rotaryFrequencies, rotaryTable } from "../../wasm/rotary.ts";
import type { Floats } from "../../wasm/tensor.ts";
import type { Contests } from "../contest.ts";

const [T, D] = [512, 4096];

/** Straight loops: each row of x through `f`, which writes it to `out` from `at` on. */
function byRow(x: Floats, f: (row: Float32Array, out: Float32Array, at: number) => void): Float32Array {
  const out = new Float32Array(x.data.length);
  for (let at = 0; at < out.length; at += D) f(x.data.subarray(at, at + D), out, at);
  return out;
}

function softmax(row: Float32Array, out: Float32Array, at: number): void {
  let [top, total] = [Number.NEGATIVE_INFINITY, 0];
  for (let d = 0; d < D; d++) top = Math.max(top, row[d]!);
  for (let d = 0; d < D; d++) {
    out[at + d] = Math.exp(row[d]! - top);
    total += out[at + d]!;
  }
  for (let d = 0; d < D; d++) out[at + d]! /= total;
}

function rmsNorm(row: Float32Array, out: Float32Array, at: number): void {
  let squares = 0;
  for (let d = 0; d < D; d++) squares += row[d]! ** 2;
  const size = Math.sqrt(squares / D + 1e-6);
  for (let d = 0; d < D; d++) out[at + d] = row[d]! / size;
}

const scalars: Partial<Record<Elementwise, (x: number) => number>> = {
  exp: Math.exp,
  tanh: Math.tanh,
  silu: (x) => x / (1 + Math.exp(-x)),
};

export const rows: Contests = ({ kernels, drawn, blank }) => {
  const [x, into, weight] = [drawn(T, D), blank(T, D), drawn(D)];
  const bytes = 4 * T * D;
  const table = rotaryTable(T, rotaryFrequencies(128));
  const heads = drawn(T, 32, 128);
  const turned = blank(T, 32, 128);
  return [
    {
      name: "softmax of rows",
      bytes,
      ours: () => kernels.softmax(x, { into }),
      rivals: { loops: () => byRow(x, softmax) },
    },
    {
      name: "RMS norm",
      bytes,
      ours: () => kernels.norm(x, "rms", { into }),
      rivals: { loops: () => byRow(x, rmsNorm) },
    },
    { name: "layer norm", bytes, ours: () => kernels.norm(x, "layer", { weight, into }) },
    { name: "rotary, halves", bytes, ours: () => kernels.rotate(heads, table, { axis: 0, into: turned }) },
    { name: "top 50", bytes, ours: () => kernels.topK(x, 50).values },
    ...(["exp", "log", "tanh", "sigmoid", "softplus", "silu", "gelu", "gelu-tanh"] as const).map((f) => {
      const scalar = scalars[f];
      return {
        name: f,
        bytes,
        ours: () => kernels.map(x, f, { into }),
        ...(scalar && { rivals: { loops: () => x.data.map(scalar) } }),
      };
    }),
  ];
};
