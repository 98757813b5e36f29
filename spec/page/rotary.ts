import { precision } from "./precision.ts";

/** A vector as a function of its coordinate. */
export type Vector = (d: number) => number;

/** Which coordinates turn together: `half` pairs i with i + R/2, `interleaved` pairs 2i with 2i + 1. */
export type Layout = "half" | "interleaved";

/**
 * Turns the first `R` coordinates of `x` in R/2 planes, plane `i` by `angle(i)` radians; the others pass through. `R` is even.
 * Cosine and sine are multiplied by `gain` (1 unless given). At a lower precision angles are worked out like sums, and
 * cosines and sines kept like any table.
 */
export const rotate =
  (x: Vector, R: number, layout: Layout, angle: (i: number) => number, gain = 1): Vector =>
  (d) => {
    if (d >= R) return x(d);
    const half = layout === "half";
    const i = half ? d % (R / 2) : d >> 1;
    const [first, second] = half ? [i, i + R / 2] : [2 * i, 2 * i + 1];
    const { store, accumulate } = precision();
    const turn = accumulate(angle(i));
    const cosine = store(gain * Math.cos(turn));
    const sine = store(gain * Math.sin(turn));
    return d === first ? x(first) * cosine - x(second) * sine : x(first) * sine + x(second) * cosine;
  };
