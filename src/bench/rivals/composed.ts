/** Causal linear attention as a graph of products: what a library without a kernel for it would be given. */
import type { Floats } from "../../wasm/tensor.ts";
import type { Rival } from "../contest.ts";
import type { Onnx } from "./onnx.ts";

/** Tokens of a chunk: the fewest that make its products large. */
const chunk = 64;

interface Inputs {
  readonly q: Floats;
  readonly k: Floats;
  readonly v: Floats;
  /** Logarithms: [H], or [H, T, D]. */
  readonly gates: Floats;
}

/**
 * Within chunks, masked scores times values; between them, one state a chunk, added up by a triangular product. All
 * that depends on the gates alone is worked out beforehand and costs this rival nothing.
 */
export async function composed(onnx: Onnx | undefined, { q, k, v, gates }: Inputs): Promise<Rival | undefined> {
  if (!onnx) return undefined;
  const [heads, tokens, width] = q.shape as [number, number, number];
  const chunks = tokens / chunk;
  // Where all channels share a gate, so do the products between chunks.
  const channels = gates.shape.length === 1 ? 1 : width;
  const log = (h: number, t: number, d: number): number =>
    channels === 1 ? gates.data[h]! : gates.data[(h * tokens + t) * width + d]!;
  const sums = new Float64Array(heads * tokens * width);
  for (let h = 0; h < heads; h++)
    for (let t = 0; t < tokens; t++)
      for (let d = 0; d < width; d++) {
        const at = (h * tokens + t) * width + d;
        sums[at] = (t % chunk ? sums[at - width]! : 0) + log(h, t, d);
      }
  const last = (h: number, c: number, d: number): number => sums[(h * tokens + c * chunk + chunk - 1) * width + d]!;
  const scaled = (x: Floats, factor: (at: number) => number): Floats => ({
    shape: [heads, chunks, chunk, width],
    data: x.data.map((value, at) => value * factor(at)),
  });
  const place = (at: number) => {
    const [h, t, d] = [Math.floor(at / (tokens * width)), Math.floor(at / width) % tokens, at % width];
    return [h, Math.floor(t / chunk), d] as const;
  };
  // From each chunk's state to each later one, through the chunks between.
  const passed = new Float32Array(heads * channels * chunks * chunks);
  for (let h = 0; h < heads; h++)
    for (let d = 0; d < channels; d++)
      for (let to = 1; to < chunks; to++)
        for (let [from, sum] = [to - 1, 0]; from >= 0; sum += last(h, from--, d))
          passed[((h * channels + d) * chunks + to) * chunks + from] = Math.exp(sum);
  const inputs = {
    q: scaled(q, (at) => Math.exp(sums[at]!)),
    k: scaled(k, (at) => Math.exp(-sums[at]!)),
    kept: scaled(k, (at) => Math.exp(last(...place(at)) - sums[at]!)),
    v: { shape: [heads, chunks, chunk, width], data: v.data.slice() },
    mask: {
      shape: [chunk, chunk],
      data: Float32Array.from({ length: chunk * chunk }, (_, i) => Number(i % chunk <= Math.floor(i / chunk))),
    },
    passed: { shape: [heads, channels, chunks, chunks], data: passed },
  };
  return onnx(
    [
      { op: "Transpose", inputs: ["k"], output: "kTurned", perm: [0, 1, 3, 2] },
      { op: "MatMul", inputs: ["q", "kTurned"], output: "all" },
      { op: "Mul", inputs: ["all", "mask"], output: "scores" },
      { op: "MatMul", inputs: ["scores", "v"], output: "within" },
      { op: "Transpose", inputs: ["kept"], output: "keptTurned", perm: [0, 1, 3, 2] },
      { op: "MatMul", inputs: ["keptTurned", "v"], output: "written" },
      { op: "Transpose", inputs: ["written"], output: "byChannel", perm: [0, 2, 1, 3] },
      { op: "MatMul", inputs: ["passed", "byChannel"], output: "states" },
      { op: "Transpose", inputs: ["states"], output: "byChunk", perm: [0, 2, 1, 3] },
      { op: "MatMul", inputs: ["q", "byChunk"], output: "between" },
      { op: "Add", inputs: ["within", "between"], output: "out" },
    ],
    inputs,
    [heads, chunks, chunk, width],
  );
}
