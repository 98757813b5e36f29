import type { WasmTensor } from "../../wasm.ts";
import { silu, softplus } from "../ops.ts";
import type { Pass } from "../pass.ts";
import type { Mamba2 } from "../plan.ts";
import type { Recurrence } from "../state.ts";
import { convolve } from "./convolution.ts";

/**
 * Mamba 2: h ← exp(Δ A) h + Δ x Bᵀ, y = h C + D x for each head; then gated, and normalised by groups. The state holds
 * the last inputs of the convolution, and h [heads, headWidth, state].
 */
export function mamba2(mixer: Mamba2, x: WasmTensor, pass: Pass, slot: number): WasmTensor {
  const { heads, headWidth, groups, state: size, stepLimit } = mixer;
  const { ops } = pass;
  const inner = heads * headWidth;
  const mixed = inner + 2 * groups * size;
  const all = ops.linear(x, pass.linear(mixer.input));
  if (mixer.inputScales) scaleParts(all, [inner, inner, groups * size, groups * size, heads], mixer.inputScales);
  const out = ops.tensor([x.shape[0]!, inner]);
  const decay = Float32Array.from(pass.weight(mixer.decay).data, (a) => -Math.exp(a));
  for (const { row, count, states } of pass.stretches) {
    const part = ops.rows(all, row, count);
    const [before, h] = (states![slot] as Recurrence).tensors as [WasmTensor, WasmTensor];
    const input = ops.columns(part, inner, ops.tensor([count, mixed]));
    const convolved = convolve(ops, input, pass.linear(mixer.convolution), before);
    const xbc = convolved.data;
    const [hs, to, steps] = [h.data, out.data, part.data];
    const [bias, skip] = [pass.weight(mixer.stepBias).data, pass.weight(mixer.skip).data];
    const stride = part.shape[1]!;
    for (let t = 0; t < count; t++)
      for (let head = 0; head < heads; head++) {
        const raw = softplus(steps[t * stride + inner + mixed + head]! + bias[head]!);
        const delta = Math.min(Math.max(raw, stepLimit[0]!), stepLimit[1]!);
        const keep = Math.exp(delta * decay[head]!);
        const group = Math.floor(head / (heads / groups));
        const b = t * mixed + inner + group * size;
        const c = b + groups * size;
        for (let p = 0; p < headWidth; p++) {
          const value = xbc[t * mixed + head * headWidth + p]!;
          const at = (head * headWidth + p) * size;
          let y = skip[head]! * value;
          for (let n = 0; n < size; n++) {
            hs[at + n] = keep * hs[at + n]! + delta * value * xbc[b + n]!;
            y += xbc[c + n]! * hs[at + n]!;
          }
          to[(row + t) * inner + head * headWidth + p] = y;
        }
      }
  }
  gateAndNorm(mixer, out, all, pass);
  return ops.linear(out, pass.linear(mixer.out));
}

/** y · silu(gate) and the norm over each group of features, in the order the model wants, in place. */
function gateAndNorm({ norm, heads, headWidth }: Mamba2, y: WasmTensor, all: WasmTensor, pass: Pass): void {
  const inner = heads * headWidth;
  const stride = all.shape[1]!;
  const gate = () => {
    const [to, gates] = [y.data, all.data];
    for (let i = 0; i < to.length; i++) to[i]! *= silu(gates[Math.floor(i / inner) * stride + (i % inner)]!);
  };
  if (!norm?.beforeGate) gate();
  if (norm) {
    const { weight, epsilon } = pass.norm(norm);
    const [to, scale] = [y.data, weight.data];
    const width = inner / norm.groups;
    for (let from = 0; from < to.length; from += width) {
      let square = 0;
      for (let i = from; i < from + width; i++) square += to[i]! * to[i]!;
      const factor = 1 / Math.sqrt(square / width + epsilon);
      for (let i = from; i < from + width; i++) to[i] = to[i]! * factor * scale[i % inner]!;
    }
    if (norm.beforeGate) gate();
  }
}

/** Each part of the columns times its factor. */
function scaleParts(x: WasmTensor, widths: readonly number[], factors: readonly number[]): void {
  const [rows, stride] = x.shape as [number, number];
  const { data } = x;
  for (let row = 0; row < rows; row++) {
    let column = 0;
    widths.forEach((width, part) => {
      for (let i = 0; i < width; i++, column++) data[row * stride + column]! *= factors[part]!;
    });
  }
}
