/** What a Fourier transform of one length needs, worked out in float64 and kept. */
import type { Call } from "./call.ts";
import { struct } from "./struct.ts";

export const planStruct = struct("fourier/plan.ts", {
  length: "i32",
  stages: "i32",
  radices: "u32",
  turns: "u32",
  roots: "u32",
});

interface Tables {
  readonly radices: readonly number[];
  readonly turns: Float32Array;
  readonly roots: Float32Array;
  /** For each point, e^(πi point / (2 length)). */
  readonly angles: Float32Array;
}

/** Fours first, then the other prime factors. */
export function radicesOf(length: number): number[] {
  const radices: number[] = [];
  let left = length;
  const take = (radix: number) => {
    for (; left % radix === 0; left /= radix) radices.push(radix);
  };
  take(4);
  for (let radix = 2; radix * radix <= left; radix++) take(radix);
  if (left > 1) radices.push(left);
  return radices;
}

const point = (turn: number): [number, number] => [Math.cos(2 * Math.PI * turn), Math.sin(2 * Math.PI * turn)];

function tablesOf(length: number): Tables {
  const radices = radicesOf(length);
  const turns: number[] = [];
  let left = length;
  for (const radix of radices) {
    for (let p = 0; p < left / radix; p++) for (let j = 1; j < radix; j++) turns.push(...point(-((p * j) / left)));
    left /= radix;
  }
  const roots = radices.flatMap((radix) => Array.from({ length: radix }, (_, k) => point(-k / radix)).flat());
  const angles = Array.from({ length }, (_, i) => point(i / (4 * length))).flat();
  return {
    radices,
    turns: Float32Array.from(turns),
    roots: Float32Array.from(roots),
    angles: Float32Array.from(angles),
  };
}

const kept = new Map<number, Tables>();

/** The address of a plan, and of its angles. */
export function planOf(call: Call, length: number): { readonly plan: number; readonly angles: number } {
  const tables = kept.get(length) ?? tablesOf(length);
  kept.set(length, tables);
  const { radices, turns, roots, angles } = tables;
  const at = (values: Float32Array) => call.region.tensorOf({ shape: [values.length], data: values }).address;
  const plan = call.describe(planStruct, {
    length,
    stages: radices.length,
    radices: call.addressOfBytes(new Uint8Array(Int32Array.from(radices).buffer)),
    turns: at(turns),
    roots: at(roots),
  });
  return { plan, angles: at(angles) };
}

/** The least length from `least` on that has no prime factor above 5. */
export function smoothLength(least: number): number {
  let best = Number.POSITIVE_INFINITY;
  for (const odd of [1, 3, 5, 9, 15, 25])
    best = Math.min(best, odd * 2 ** Math.max(0, Math.ceil(Math.log2(least / odd))));
  return best;
}
