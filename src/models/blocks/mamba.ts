import type { WasmTensor } from "../../wasm.ts";
import type { Pass } from "../pass.ts";
import type { Mamba } from "../plan.ts";
import type { Recurrence } from "../state.ts";

/**
 * Mamba: h ← exp(Δ A) h + Δ B x, y = C h + D x for each channel, with Δ, B and C of the input; then y · silu(gate).
 * The state holds the last inputs of the convolution, and h [inner, state].
 */
export function mamba(mixer: Mamba, x: WasmTensor, pass: Pass, slot: number): WasmTensor {
  const { inner, state: size, rank } = mixer;
  const { ops } = pass;
  const [inputs, gates] = ops.halves(x, pass.linear(mixer.input));
  const out = ops.tensor([x.shape[0]!, inner]);
  for (const { row, count, states } of pass.stretches) {
    const [before, h] = (states![slot] as Recurrence).tensors as [WasmTensor, WasmTensor];
    const u = ops.convolve(ops.rows(inputs, row, count), pass.filters(mixer.convolution), before);
    const chosen = ops.linear(u, pass.linear(mixer.selection));
    const part = (column: number, width: number) => ops.columns(chosen, column, ops.tensor([count, width]));
    const scanned = {
      u,
      delta: ops.linear(part(0, rank), pass.linear(mixer.step)),
      a: pass.weight(mixer.decay),
      b: part(rank, size),
      c: part(rank + size, size),
    };
    const options = { d: pass.weight(mixer.skip), z: ops.rows(gates, row, count), softplus: true };
    ops.scan(scanned, h, ops.rows(out, row, count), options);
  }
  return ops.linear(out, pass.linear(mixer.out));
}
