/** Directional derivatives of any page, accurate enough to judge a backward kernel. */
import {
  type AnyPage,
  bind,
  evaluate,
  extentOf,
  type Float64Tensor,
  pageOf,
  type Subject,
  type Tensor,
} from "../../spec/page.ts";
import type { Case } from "./cases.ts";
import { flatten, scaleOf } from "./compare.ts";

export interface Gradient {
  /** d/dh of each output at inputs + h · direction, h = 0. */
  readonly outputs: Readonly<Record<string, Float64Tensor>>;
  /** For each output, the estimated error of its derivative relative to the largest derivative or value in it. */
  readonly error: Readonly<Record<string, number>>;
  /** Whether every error estimate is below 10⁻⁸; false at a kink, a jump or a pole. */
  readonly smooth: boolean;
}

const levels = 9;
const shrinkage = 1.6;

/**
 * The derivative of the outputs of a page along `direction` (tensors shaped like the inputs it moves; the others stay).
 * Central differences at nine step sizes, extrapolated to step 0 (Ridders 1982): good to about 10⁻¹⁰ relative where the
 * mechanism is smooth within the first step; elsewhere `error` says so. Steps are so short that inputs with enforced bounds
 * stay within them; a value that moves and lies on its bound has no derivative here, and the result is not smooth.
 */
export function gradient(
  subject: Subject,
  inputs: Case["inputs"],
  options: Readonly<Record<string, unknown>>,
  direction: Readonly<Record<string, Tensor | readonly Tensor[]>>,
): Gradient {
  const page = pageOf(subject);
  const reach = Math.max(...Object.values(flatten(direction)).map(scaleOf));
  const at = (h: number) => flatten(evaluate(page, moved(inputs, direction, h), options));
  const here = at(0);
  const best: Record<string, Best> = Object.fromEntries(
    Object.entries(here).map(([name, { data }]) => [
      name,
      { here: data as Float64Array, slope: unknown(data.length), kink: unknown(data.length) },
    ]),
  );
  const room = roomFor(page, inputs, options, direction);
  for (const first of reach > 0 && room > 0 ? [0.3 / reach, 0.02 / reach, 0.0005 / reach] : []) {
    extrapolate(at, Math.min(first, room), best);
    if (Object.entries(best).every(([name, b]) => relative(b, here[name]!) < 1e-10)) break;
  }
  const error = Object.fromEntries(
    Object.entries(best).map(([name, b]) => [name, reach > 0 ? relative(b, here[name]!) : 0]),
  );
  return {
    outputs: Object.fromEntries(
      Object.entries(best).map(([name, b]) => [name, { shape: here[name]!.shape, data: b.slope.value }]),
    ),
    error,
    smooth: Object.values(error).every((e) => e < 1e-8),
  };
}

/** How far all inputs can move along the direction, both ways, before one leaves its enforced bounds. */
function roomFor(
  page: AnyPage,
  inputs: Case["inputs"],
  options: Readonly<Record<string, unknown>>,
  direction: Readonly<Record<string, Tensor | readonly Tensor[]>>,
): number {
  const { sizes, options: all } = bind(page, inputs, options);
  let room = Number.POSITIVE_INFINITY;
  for (const [name, along] of Object.entries(direction)) {
    const { enforced, low, high } = extentOf(page.domain?.[name], sizes, all);
    if (!enforced) continue;
    const tensors = [inputs[name] ?? []].flat() as Tensor[];
    for (const [l, d] of ([along].flat() as Tensor[]).entries())
      for (let i = 0; i < d.data.length; i++) {
        const v = Number(tensors[l]?.data[i]);
        if (d.data[i]) room = Math.min(room, ((1 - 1e-9) * Math.min(v - low, high - v)) / Math.abs(d.data[i]!));
      }
  }
  return room;
}

interface Estimate {
  readonly value: Float64Array;
  readonly error: Float64Array;
}
const unknown = (length: number): Estimate => ({
  value: new Float64Array(length),
  error: new Float64Array(length).fill(Number.POSITIVE_INFINITY),
});
interface Best {
  readonly here: Float64Array;
  readonly slope: Estimate;
  /** Slope to the right less slope to the left. Central differences alone see nothing of a kink just here. */
  readonly kink: Estimate;
}

function relative({ slope, kink }: Best, here: Tensor): number {
  let scale = Math.max(scaleOf(here), Number.MIN_VALUE),
    worst = 0;
  for (const v of slope.value) scale = Math.max(scale, Math.abs(v));
  for (const e of slope.error) worst = Math.max(worst, e);
  for (const [i, v] of kink.value.entries()) worst = Math.max(worst, Math.abs(v), kink.error[i]!);
  return worst / scale;
}

/** Ridders' tableaus from one first step, keeping at each place the estimate of least error. */
function extrapolate(
  at: (h: number) => Record<string, Tensor>,
  first: number,
  best: Readonly<Record<string, Best>>,
): void {
  let previous: Record<string, { slope: Float64Array[]; kink: Float64Array[] }> = {};
  for (let level = 0; level < levels; level++) {
    const h = first / shrinkage ** level;
    const up = at(h),
      down = at(-h);
    const rows: typeof previous = {};
    for (const [name, { here, slope, kink }] of Object.entries(best)) {
      const above = up[name]!.data,
        below = down[name]!.data;
      const central = here.map((_, i) => (above[i] === below[i] ? 0 : (above[i]! - below[i]!) / (2 * h)));
      const turn = here.map((v, i) => (above[i] === v && below[i] === v ? 0 : (above[i]! - v - (v - below[i]!)) / h));
      // What is left of them goes with h², h⁴, … and with h, h³, ….
      rows[name] = {
        slope: refine(central, previous[name]?.slope, (k) => shrinkage ** (2 * k), slope),
        kink: refine(turn, previous[name]?.kink, (k) => shrinkage ** (2 * k - 1), kink),
      };
    }
    previous = rows;
  }
}

/** The next row of a tableau, from its first entry and the row before. */
function refine(
  start: Float64Array,
  last: readonly Float64Array[] | undefined,
  factorOf: (k: number) => number,
  best: Estimate,
): Float64Array[] {
  const row = [start];
  for (let k = 1; last && k <= last.length; k++) {
    const factor = factorOf(k);
    const [coarse, fine] = [last[k - 1]!, row[k - 1]!];
    const next = fine.map((v, i) => (v * factor - coarse[i]!) / (factor - 1));
    row.push(next);
    for (let i = 0; i < next.length; i++) {
      const error = Math.max(Math.abs(next[i]! - fine[i]!), Math.abs(next[i]! - coarse[i]!));
      if (error <= best.error[i]!) [best.error[i], best.value[i]] = [error, next[i]!];
    }
  }
  return row;
}

/** The inputs moved by `h` times the direction. */
export function moved(
  inputs: Case["inputs"],
  direction: Readonly<Record<string, Tensor | readonly Tensor[]>>,
  h: number,
): Case["inputs"] {
  const step = (t: Tensor, d: Tensor): Float64Tensor => ({
    shape: t.shape,
    data: Float64Array.from(t.data, (v, i) => v + h * d.data[i]!),
  });
  return Object.fromEntries(
    Object.entries(inputs).map(([name, value]) => {
      const d = direction[name];
      if (!d) return [name, value];
      return [
        name,
        Array.isArray(value)
          ? value.map((t: Tensor, l) => step(t, (d as readonly Tensor[])[l]!))
          : step(value as Tensor, d as Tensor),
      ];
    }),
  );
}
