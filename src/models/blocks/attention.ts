import type { WasmTensor } from "../../wasm.ts";
import type { Pass, Stretch } from "../pass.ts";
import { type Attention, each, type Norm } from "../plan.ts";
import type { KeyValues } from "../state.ts";

/** Rows at a time where possible: queries, keys and values are several times as wide as x, and more are no faster. */
const most = 128;

/** Attention over each sequence of the pass: x [T, width] to [T, width]; its state holds keys and values. */
export function attention(mixer: Attention, x: WasmTensor, pass: Pass, slot: number): WasmTensor {
  const { ops } = pass;
  const last = pass.linear(mixer.out);
  const out = ops.tensor([x.shape[0]!, last.weight.shape[0]!]);
  for (const group of together(pass.stretches.flatMap((stretch) => pieces(stretch, slot))))
    ops.within(() => {
      const mixed = attend(mixer, group, x, pass, slot);
      ops.linear(mixed, last, ops.rows(out, group[0]!.row, mixed.shape[0]!));
    });
  return out;
}

/** What the heads give for stretches behind one another, [rows, heads · headWidth]. */
function attend(mixer: Attention, group: readonly Stretch[], x: WasmTensor, pass: Pass, slot: number): WasmTensor {
  const { heads, keyHeads, headWidth } = mixer;
  const { ops } = pass;
  const top = group[0]!.row;
  const rows = group.reduce((sum, { count }) => sum + count, 0);
  const mixed = ops.tensor([rows, heads, headWidth]);
  const queries = ops.tensor([rows, heads, headWidth]);
  const targets = group.map(
    (stretch) =>
      stateAt(stretch, slot)?.append(stretch.count, stretch.position) ??
      alone(pass, stretch.count, keyHeads, headWidth),
  );
  for (let from = 0; from < rows; from += most)
    ops.within(() => {
      const fused = ops.linear(ops.rows(x, top + from, Math.min(most, rows - from)), pass.linear(mixer.qkv));
      group.forEach(({ row, count }, i) => {
        const [first, end] = [Math.max(from, row - top), Math.min(from + most, row - top + count)];
        if (first >= end) return;
        const part = ops.rows(fused, first - from, end - first);
        const own = (of: WasmTensor) => ops.rows(of, first - (row - top), end - first);
        ops.columns(part, 0, ops.rows(queries, first, end - first));
        ops.columns(part, heads * headWidth, own(targets[i]!.newKeys));
        ops.columns(part, (heads + keyHeads) * headWidth, own(targets[i]!.newValues));
      });
    });
  group.forEach((stretch, i) => {
    const { count, position } = stretch;
    const [target, state] = [targets[i]!, stateAt(stretch, slot)];
    const q = ops.rows(queries, stretch.row - top, count);
    normalise(q, mixer.queryNorm, pass);
    normalise(target.newKeys, mixer.keyNorm, pass);
    state?.keepSinks(target, position);
    rotate(q, mixer, pass, position, stretch.length);
    rotate(target.newKeys, mixer, pass, position, stretch.length);
    const sinks = state?.placeSinks(target, position);
    if (sinks) rotate(sinks, mixer, pass, position + 1 - target.keys.shape[0]!, stretch.length);
    const reach = mixer.window === undefined ? {} : mixer.causal ? { left: mixer.window - 1 } : both(mixer.window);
    ops.attention(q, target.keys, target.values, ops.rows(mixed, stretch.row - top, count), {
      causal: mixer.causal,
      scale: mixer.scale,
      cap: mixer.cap,
      sinks: mixer.sinks && pass.weight(mixer.sinks),
      ...reach,
    });
  });
  return ops.shaped(mixed, [rows, heads * headWidth]);
}

const both = (window: number) => ({ left: window, right: window });

const stateAt = ({ states }: Stretch, slot: number) => states?.[slot] as KeyValues | undefined;

/**
 * A stretch in pieces: of at most {@link most} rows where keys are kept, so that each sees those before; tokens one by one
 * where each sees other sinks than the one before.
 */
function pieces(stretch: Stretch, slot: number): readonly Stretch[] {
  const { row, count, position } = stretch;
  const state = stateAt(stretch, slot);
  if (!state) return [stretch];
  const size = state.overflows(position + count) ? 1 : most;
  return each(Math.ceil(count / size), (i) => {
    const from = i * size;
    return { ...stretch, row: row + from, count: Math.min(size, count - from), position: position + from };
  });
}

/** Stretches in groups that share their products: of at most {@link most} rows, but for longer ones. */
function together(stretches: readonly Stretch[]): readonly (readonly Stretch[])[] {
  const groups: Stretch[][] = [];
  let rows = Infinity;
  for (const stretch of stretches) {
    rows += stretch.count;
    if (rows <= most) groups.at(-1)!.push(stretch);
    else {
      groups.push([stretch]);
      rows = stretch.count;
    }
  }
  return groups;
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
