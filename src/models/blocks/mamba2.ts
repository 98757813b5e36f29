import type { WasmTensor } from "../../wasm.ts";
import { softplus } from "../ops.ts";
import type { Pass } from "../pass.ts";
import type { Mamba2 } from "../plan.ts";
import type { Recurrence } from "../state.ts";

/**
 * Mamba 2: h ← exp(Δ A) h + Δ x Bᵀ, y = h C + D x for each head; then gated, and normalised by groups. The state holds
 * the last inputs of the convolution, and h [heads, headWidth, state].
 */
export function mamba2(mixer: Mamba2, x: WasmTensor, pass: Pass, slot: number): WasmTensor {
  const { heads, headWidth, groups, state: size } = mixer;
  const { ops } = pass;
  const inner = heads * headWidth;
  const mixed = inner + 2 * groups * size;
  const all = ops.linear(x, pass.linear(mixer.input));
  if (mixer.inputScales) scaleParts(all, [inner, inner, groups * size, groups * size, heads], mixer.inputScales);
  const out = ops.tensor([x.shape[0]!, inner]);
  for (const { row, count, states } of pass.stretches) {
    const part = ops.rows(all, row, count);
    const [before, h] = (states![slot] as Recurrence).tensors as [WasmTensor, WasmTensor];
    const input = ops.columns(part, inner, ops.tensor([count, mixed]));
    const convolved = ops.convolve(input, pass.filters(mixer.convolution), before);
    const cut = (column: number, shape: readonly number[]) => ops.columns(convolved, column, ops.tensor(shape));
    const steps = ops.columns(part, inner + mixed, ops.tensor([count, heads]));
    const inputs = {
      u: cut(0, [count, heads, headWidth]),
      delta: steps,
      a: pass.weight(mixer.decay),
      b: cut(inner, [count, groups, size]),
      c: cut(inner + groups * size, [count, groups, size]),
    };
    const limited = limit(steps, pass.weight(mixer.stepBias), mixer.stepLimit);
    const step = limited ? {} : { bias: pass.weight(mixer.stepBias), softplus: true };
    const into = ops.shaped(ops.rows(out, row, count), [count, heads, headWidth]);
    ops.ssd(inputs, h, into, { d: pass.weight(mixer.skip), ...step });
  }
  return ops.linear(gateAndNorm(mixer, out, all, pass), pass.linear(mixer.out));
}

/** Steps within bounds: softplus(step + bias) held within them, in place; false, and nothing, where all are allowed. */
function limit(steps: WasmTensor, bias: WasmTensor, [least, most]: readonly number[]): boolean {
  if (least! <= 0 && most === Infinity) return false;
  const [data, plus] = [steps.data, bias.data];
  for (let i = 0; i < data.length; i++)
    data[i] = Math.min(Math.max(softplus(data[i]! + plus[i % plus.length]!), least!), most!);
  return true;
}

/** y · silu(gate) and the norm over each group of features, in the order the model wants. */
function gateAndNorm({ norm, heads, headWidth }: Mamba2, y: WasmTensor, all: WasmTensor, pass: Pass): WasmTensor {
  const { ops } = pass;
  const inner = heads * headWidth;
  const rows = y.shape[0]!;
  const gate = (of: WasmTensor): WasmTensor => {
    const gates = ops.columns(all, 0, ops.tensor([rows, inner]));
    ops.gated(gates, of, "silu");
    return gates;
  };
  if (!norm) return gate(y);
  const first = norm.beforeGate ? y : gate(y);
  const { epsilon, groups } = norm;
  const weight = pass.weight(norm.weight);
  const grouped = ops.shaped(first, [rows * groups, inner / groups]);
  ops.norm(grouped, { kind: "rms", epsilon, weight: groups === 1 ? weight : undefined }, grouped);
  if (groups > 1) multiplyRows(first, weight);
  return norm.beforeGate ? gate(first) : first;
}

/** Each row times the weights, in place. */
function multiplyRows(x: WasmTensor, weight: WasmTensor): void {
  const [data, factors] = [x.data, weight.data];
  for (let row = 0; row < data.length; row += factors.length)
    for (let i = 0; i < factors.length; i++) data[row + i]! *= factors[i]!;
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
