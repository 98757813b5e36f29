import type { WasmTensor } from "../../wasm.ts";
import type { Pass, Stretch } from "../pass.ts";
import type { Attention, Norm } from "../plan.ts";
import type { KeyValues } from "../state.ts";

/** Attention over each sequence of the pass: x [T, width] to [T, width]; its state holds keys and values. */
export function attention(mixer: Attention, x: WasmTensor, pass: Pass, slot: number): WasmTensor {
  const { heads, keyHeads, headWidth } = mixer;
  const { ops } = pass;
  const rows = x.shape[0]!;
  const fused = ops.linear(x, pass.linear(mixer.qkv));
  const out = ops.tensor([rows, heads, headWidth]);
  for (const stretch of pass.stretches) {
    const { row, count } = stretch;
    const part = ops.rows(fused, row, count);
    const q = ops.columns(part, 0, ops.tensor([count, heads, headWidth]));
    const state = stretch.states?.[slot] as KeyValues | undefined;
    const target = state?.append(count) ?? alone(pass, count, keyHeads, headWidth);
    ops.columns(part, heads * headWidth, target.newKeys);
    ops.columns(part, (heads + keyHeads) * headWidth, target.newValues);
    prepare(q, mixer.queryNorm, mixer, pass, stretch);
    prepare(target.newKeys, mixer.keyNorm, mixer, pass, stretch);
    const reach = mixer.window === undefined ? {} : mixer.causal ? { left: mixer.window - 1 } : both(mixer.window);
    ops.attention(q, target.keys, target.values, ops.rows(out, row, count), {
      causal: mixer.causal,
      scale: mixer.scale,
      cap: mixer.cap,
      sinks: mixer.sinks && pass.weight(mixer.sinks),
      ...reach,
    });
  }
  return ops.linear(ops.shaped(out, [rows, heads * headWidth]), pass.linear(mixer.out));
}

const both = (window: number) => ({ left: window, right: window });

/** Keys and values that nobody keeps. */
function alone({ ops }: Pass, count: number, keyHeads: number, headWidth: number) {
  const [keys, values] = [ops.tensor([count, keyHeads, headWidth]), ops.tensor([count, keyHeads, headWidth])];
  return { newKeys: keys, newValues: values, keys, values };
}

/** Normalises and rotates each head of x [T, H, D] in place. */
function prepare(x: WasmTensor, norm: Norm | undefined, { rotary }: Attention, pass: Pass, stretch: Stretch): void {
  const { ops } = pass;
  if (norm) ops.norm(x, pass.norm(norm), x);
  if (rotary)
    ops.rotate(
      x,
      stretch.position,
      rotary.frequencies.length,
      pass.turns(rotary).upTo(stretch.position + stretch.count),
    );
}
