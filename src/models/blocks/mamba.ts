import type { WasmTensor } from "../../wasm.ts";
import { silu, softplus } from "../ops.ts";
import type { Pass } from "../pass.ts";
import type { Mamba } from "../plan.ts";
import type { Recurrence } from "../state.ts";
import { convolve } from "./convolution.ts";

/**
 * Mamba: h ← exp(Δ A) h + Δ B x, y = C h + D x for each channel, with Δ, B and C of the input; then y · silu(gate).
 * The state holds the last inputs of the convolution, and h [inner, state].
 */
export function mamba(mixer: Mamba, x: WasmTensor, pass: Pass, slot: number): WasmTensor {
  const { inner, state: size, rank } = mixer;
  const { ops } = pass;
  const both = ops.linear(x, pass.linear(mixer.input));
  const out = ops.tensor([x.shape[0]!, inner]);
  const decay = Float32Array.from(pass.weight(mixer.decay).data, (a) => -Math.exp(a));
  for (const { row, count, states } of pass.stretches) {
    const part = ops.rows(both, row, count);
    const [before, h] = (states![slot] as Recurrence).tensors as [WasmTensor, WasmTensor];
    const input = ops.columns(part, 0, ops.tensor([count, inner]));
    const u = convolve(ops, input, pass.linear(mixer.convolution), before);
    const chosen = ops.linear(u, pass.linear(mixer.selection));
    const rough = ops.columns(chosen, 0, ops.tensor([count, rank]));
    const step = ops.linear(rough, pass.linear(mixer.step));
    const [hs, us, steps, bc, gates, to] = [h.data, u.data, step.data, chosen.data, part.data, out.data];
    const skip = pass.weight(mixer.skip).data;
    const stride = rank + 2 * size;
    for (let t = 0; t < count; t++)
      for (let c = 0; c < inner; c++) {
        const delta = softplus(steps[t * inner + c]!);
        const value = us[t * inner + c]!;
        let y = skip[c]! * value;
        for (let n = 0; n < size; n++) {
          const at = c * size + n;
          hs[at] = Math.exp(delta * decay[at]!) * hs[at]! + delta * bc[t * stride + rank + n]! * value;
          y += bc[t * stride + rank + size + n]! * hs[at]!;
        }
        to[(row + t) * inner + c] = y * silu(gates[t * 2 * inner + inner + c]!);
      }
  }
  return ops.linear(out, pass.linear(mixer.out));
}
