import { exp } from "../lanes";
import { ln } from "../scalars";
import { largestLane, loadEdge, storeEdge, total } from "./edge";

/** Bytes of a row whose exponentials are added up in float32; their sums are added up in float64. */
const STRETCH: usize = 4096;

/** The largest of a row; NaN if any is. */
export function largest(source: usize, width: i32): f32 {
  const whole = source + ((<usize>(width & ~3)) << 2);
  let top = f32x4.splat(-Infinity);
  for (; source < whole; source += 16) top = f32x4.max(top, v128.load(source));
  if (width & 3) top = f32x4.max(top, loadEdge(source, width & 3, -Infinity));
  return largestLane(top);
}

/** e^(x − top) of a row, to `target` unless that is 0; returns their sum. */
function weights(source: usize, target: usize, width: i32, top: f32): f64 {
  const base = f32x4.splat(top);
  const whole = source + ((<usize>(width & ~3)) << 2);
  let sum: f64 = 0;
  while (source < whole) {
    const end = min(whole, source + STRETCH);
    let part = f32x4.splat(0);
    for (; source < end; source += 16) {
      const e = exp(f32x4.sub(v128.load(source), base));
      part = f32x4.add(part, e);
      if (target) {
        v128.store(target, e);
        target += 16;
      }
    }
    sum += total(part);
  }
  if (width & 3) {
    const e = exp(f32x4.sub(loadEdge(source, width & 3, -Infinity), base));
    if (target) storeEdge(target, width & 3, e);
    sum += total(e);
  }
  return sum;
}

function scale(target: usize, width: i32, factor: f32): void {
  const by = f32x4.splat(factor);
  const whole = target + ((<usize>(width & ~3)) << 2);
  for (; target < whole; target += 16) v128.store(target, f32x4.mul(v128.load(target), by));
  if (width & 3) storeEdge(target, width & 3, f32x4.mul(loadEdge(target, width & 3, 0), by));
}

/** The softmax of each row; zeros where all are −∞. Target and source may be the same. */
export function softmax(source: usize, target: usize, rows: i32, width: i32): void {
  const row = (<usize>width) << 2;
  for (let r = 0; r < rows; r++) {
    const top = largest(source, width);
    // Where all are −∞, −∞ − (−∞) would be NaN.
    const sum = weights(source, target, width, top === -Infinity ? 0 : top);
    scale(target, width, sum === 0 ? 0 : <f32>(1 / sum));
    source += row;
    target += row;
  }
}

/** ln Σ e^x of each row; −∞ where all are. */
export function logSumExp(source: usize, target: usize, rows: i32, width: i32): void {
  const row = (<usize>width) << 2;
  for (let r = 0; r < rows; r++) {
    const top = largest(source, width);
    // Of infinities and NaN there is nothing to add up.
    const lse = top - top === 0 ? <f32>(<f64>top + ln(weights(source, 0, width, top))) : top;
    store<f32>(target, lse);
    source += row;
    target += 4;
  }
}
