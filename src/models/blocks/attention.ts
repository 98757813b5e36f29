import type { WasmTensor } from "../../wasm.ts";
import type { Pass, Stretch } from "../pass.ts";
import { type Attention, each, type Norm } from "../plan.ts";
import type { KeyValues } from "../state.ts";

/** Attention over each sequence of the pass: x [T, width] to [T, width]; its state holds keys and values. */
export function attention(mixer: Attention, x: WasmTensor, pass: Pass, slot: number): WasmTensor {
  const { heads, keyHeads, headWidth } = mixer;
  const { ops } = pass;
  const rows = x.shape[0]!;
  const fused = ops.linear(x, pass.linear(mixer.qkv));
  const out = ops.tensor([rows, heads, headWidth]);
  for (const stretch of pass.stretches.flatMap((whole) => pieces(whole, slot))) {
    const { row, count, position } = stretch;
    const part = ops.rows(fused, row, count);
    const q = ops.columns(part, 0, ops.tensor([count, heads, headWidth]));
    const state = stateAt(stretch, slot);
    const target = state?.append(count, position) ?? alone(pass, count, keyHeads, headWidth);
    ops.columns(part, heads * headWidth, target.newKeys);
    ops.columns(part, (heads + keyHeads) * headWidth, target.newValues);
    normalise(q, mixer.queryNorm, pass);
    normalise(target.newKeys, mixer.keyNorm, pass);
    state?.keepSinks(target, position);
    rotate(q, mixer, pass, position, stretch.length);
    rotate(target.newKeys, mixer, pass, position, stretch.length);
    const sinks = state?.placeSinks(target, position);
    if (sinks) rotate(sinks, mixer, pass, position + 1 - target.keys.shape[0]!, stretch.length);
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

const stateAt = ({ states }: Stretch, slot: number) => states?.[slot] as KeyValues | undefined;

/** A stretch, or its tokens one by one where each sees other sinks than the one before. */
function pieces(stretch: Stretch, slot: number): readonly Stretch[] {
  const { row, count, position } = stretch;
  if (!stateAt(stretch, slot)?.overflows(position + count)) return [stretch];
  return each(count, (t) => ({ ...stretch, row: row + t, count: 1, position: position + t }));
}

/** Keys and values that nobody keeps. */
function alone({ ops }: Pass, count: number, keyHeads: number, headWidth: number) {
  const [keys, values] = [ops.tensor([count, keyHeads, headWidth]), ops.tensor([count, keyHeads, headWidth])];
  return { newKeys: keys, newValues: values, keys, values };
}

function normalise(x: WasmTensor, norm: Norm | undefined, pass: Pass): void {
  if (norm) pass.ops.norm(x, pass.norm(norm), x);
}

/** Rotates each head of x [T, H, D], the first of which stands at `position`, in place. */
function rotate(x: WasmTensor, { rotary }: Attention, pass: Pass, position: number, length: number): void {
  if (!rotary) return;
  const turns = pass.turns(rotary).of(position, x.shape[0]!, length);
  pass.ops.rotate(x, 0, rotary.frequencies.length, turns);
}
