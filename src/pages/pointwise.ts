/** Pages whose weights are functions of single scores, merged rows, and embeddings: products and row functions. */
import type { learnedAbsolutePosition } from "../../spec/positional/learned-absolute-position.ts";
import type { reluAttention } from "../../spec/score/relu-attention.ts";
import type { sigmoidAttention } from "../../spec/score/sigmoid-attention.ts";
import type { KernelTensor } from "../oracle/kernel.ts";
import type { Elementwise } from "../wasm/elementwise.ts";
import { floats, type Implementation } from "./adapt.ts";
import { reshaped } from "./arrays.ts";

/** Whether query t sees key s. */
function seeing(mask: KernelTensor | undefined, causal: boolean, Tq: number, Tk: number) {
  return (t: number, s: number): boolean => (!causal || s <= t + Tk - Tq) && mask?.data[t * Tk + s] !== 0;
}

const sigmoid: Implementation<typeof sigmoidAttention> =
  (kernels) =>
  async ({ q, k, v, bias, mask }, { b, perQuery, scale, causal }) => {
    const [Tq, Tk] = [q.shape[0]!, k.shape[0]!];
    const seen = seeing(mask, causal, Tq, Tk);
    const products = await kernels.matmul(floats(q), floats(k), { transposed: true });
    const counts = Array.from({ length: Tq }, (_, t) => {
      let count = 0;
      for (let s = 0; s < Tk; s++) count += Number(seen(t, s));
      return count;
    });
    const scores = products.data.map((product, i) => {
      const t = Math.floor(i / Tk);
      if (!seen(t, i % Tk)) return -Infinity;
      const offset = b + (perQuery ? Math.log(Tk / counts[t]!) : 0);
      return scale * product + (bias ? (bias.data[i] as number) : 0) + offset;
    });
    const weights = await kernels.map({ shape: [Tq, Tk], data: scores }, "sigmoid");
    return { out: await kernels.matmul(weights, floats(v)), weights };
  };

const relu: Implementation<typeof reluAttention> =
  (kernels) =>
  async ({ q, k, v, mask }, { gamma, phi, length, causal }) => {
    const [Tq, D] = q.shape as [number, number];
    const Tk = k.shape[0]!;
    const seen = seeing(mask, causal, Tq, Tk);
    const products = await kernels.matmul(floats(q), floats(k), { transposed: true });
    const scores = { shape: [Tq, Tk], data: products.data.map((product) => product / Math.sqrt(D)) };
    const f = { relu2: "relu", relu6: "relu" }[phi as string] ?? phi;
    const passed = phi === "identity" ? scores : await kernels.map(scores, f as Elementwise);
    const finished = { relu2: (z: number) => z * z, relu6: (z: number) => Math.min(z, 6) }[phi as string];
    const data = new Float32Array(Tq * Tk);
    for (let t = 0; t < Tq; t++) {
      let allowed = 0;
      for (let s = 0; s < Tk; s++) allowed += Number(seen(t, s));
      const divisor = { allowed, total: Tk, mean: (Tk + 1) / 2 }[length] ** -gamma;
      for (let s = 0; s < Tk; s++) {
        const z = passed.data[t * Tk + s]!;
        if (seen(t, s)) data[t * Tk + s] = divisor * (finished?.(z) ?? z);
      }
    }
    return { out: await kernels.matmul({ shape: [Tq, Tk], data }, floats(v)) };
  };

const learned: Implementation<typeof learnedAbsolutePosition> =
  (kernels) =>
  async ({ x, table, positions, inputIds }, { offset, overflow, scheme, paddingIdx }) => {
    if (positions && overflow === "clip") return { decline: "given positions may lie beyond 32 bits" };
    const [T, P] = [x.shape[0]!, table.shape[0]!];
    let real = 0;
    const places = Array.from({ length: T }, (_, t) => {
      if (positions) return positions.data[t]!;
      if (scheme === "plain") return t;
      const isReal = Number(!inputIds || inputIds.data[t] !== paddingIdx);
      real += isReal;
      return paddingIdx + isReal * real;
    });
    const rows = Int32Array.from(places, (place) => Math.min(place + offset, P - 1));
    const embedded = await kernels.gather(floats(table), { shape: [T], data: rows });
    return { out: await kernels.add(reshaped(x, ...embedded.shape), embedded), positions: places };
  };

export const pointwise = {
  "positional/learned-absolute-position": learned,
  "score/relu-attention": relu,
  "score/sigmoid-attention": sigmoid,
} as const;
