import type { WasmTensor } from "../../wasm.ts";
import { type LinearWeights, type Ops, silu } from "../ops.ts";

/**
 * A causal convolution of each column of x [T, C] with a filter of its own, then SiLU. `before` [taps − 1, C] holds the
 * rows before the first, and afterwards the last ones.
 */
export function convolve(ops: Ops, x: WasmTensor, { weight, bias }: LinearWeights, before: WasmTensor): WasmTensor {
  const [rows, channels] = x.shape as [number, number];
  const taps = weight.shape[1]!;
  const padded = ops.tensor([rows + taps - 1, channels]);
  padded.data.set(before.data);
  padded.data.set(x.data, before.data.length);
  const out = ops.tensor([rows, channels]);
  const [from, to, filter, shift] = [padded.data, out.data, weight.data, bias?.data];
  for (let t = 0; t < rows; t++)
    for (let c = 0; c < channels; c++) {
      let sum = shift ? shift[c]! : 0;
      for (let tap = 0; tap < taps; tap++) sum += filter[c * taps + tap]! * from[(t + tap) * channels + c]!;
      to[t * channels + c] = silu(sum);
    }
  before.data.set(from.subarray(rows * channels));
  return out;
}
