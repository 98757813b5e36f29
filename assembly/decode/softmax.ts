/** From the scores of one query and one block of keys to probabilities. */
import { exp, tanh } from "../lanes";
import { Job } from "./job";

/** Adds bias and distance, and hides keys; `place` is the query's own. Beyond `count` the scores become −∞ to a vector's end. */
export function adjust(job: Job, head: i32, query: i32, from: i32, scores: usize, count: i32): void {
  const bytes = (<usize>count) << 2;
  const place = query + job.offset;
  if (job.cap !== Infinity) {
    const c = f32x4.splat(job.cap);
    for (let at: usize = 0; at < bytes; at += 16)
      v128.store(scores + at, f32x4.mul(c, tanh(f32x4.div(v128.load(scores + at), c))));
  }
  if (job.bias) addBias(job.bias + head * job.biasHead + query * job.biasRow + (from << 2), scores, bytes);
  if (job.slopes) {
    const slope = f32x4.splat(load<f32>(job.slopes + (head << 2)));
    // Places are below 2^24 and so are exact.
    let distance = f32x4.sub(f32x4.splat(<f32>(place - from)), f32x4(0, 1, 2, 3));
    for (let at: usize = 0; at < bytes; at += 16) {
      v128.store(scores + at, f32x4.sub(v128.load(scores + at), f32x4.mul(slope, f32x4.abs(distance))));
      distance = f32x4.sub(distance, f32x4.splat(4));
    }
  }
  if (job.mask) {
    const seen = job.mask + head * job.maskHead + query * job.maskRow + from;
    for (let s = 0; s < count; s++) if (!load<u8>(seen + s)) store<f32>(scores + (s << 2), -Infinity);
  }
  hide(scores, 0, min(count, place - job.left - from));
  hide(scores, max(0, place + job.right + 1 - from), count);
  hide(scores, count, (count + 3) & ~3);
}

/** −∞ hides a key, whatever its score. */
function addBias(bias: usize, scores: usize, bytes: usize): void {
  let at: usize = 0;
  for (; at + 16 <= bytes; at += 16) {
    const b = v128.load(bias + at);
    const hidden = f32x4.eq(b, f32x4.splat(-Infinity));
    v128.store(scores + at, v128.bitselect(b, f32x4.add(v128.load(scores + at), b), hidden));
  }
  for (; at < bytes; at += 4) {
    const b = load<f32>(bias + at);
    store<f32>(scores + at, b === -Infinity ? b : load<f32>(scores + at) + b);
  }
}

/** Sets some of the scores, to −∞ unless said. */
export function hide(scores: usize, from: i32, to: i32, value: f32 = -Infinity): void {
  for (let s = from; s < to; s++) store<f32>(scores + (s << 2), value);
}

/** Multiplies scores by one factor, and by the scales of their keys if there are any. */
export function scale(scores: usize, factor: f32, scales: usize, count: i32): void {
  const bytes = (<usize>count) << 2;
  const by = f32x4.splat(factor);
  for (let at: usize = 0; at < bytes; at += 16) {
    const x = scales ? f32x4.mul(v128.load(scores + at), v128.load(scales + at)) : v128.load(scores + at);
    v128.store(scores + at, f32x4.mul(x, by));
  }
}

/** The largest of the scores; NaN, whose probability will be NaN, is passed over. */
export function largest(scores: usize, count: i32): f32 {
  const bytes = (<usize>count) << 2;
  let m = f32x4.splat(-Infinity);
  for (let at: usize = 0; at < bytes; at += 16) m = f32x4.pmax(m, v128.load(scores + at));
  const high = f32x4.max(m, v128.shuffle<f32>(m, m, 2, 3, 0, 1));
  return f32x4.extract_lane(f32x4.max(high, v128.shuffle<f32>(high, high, 1, 0, 3, 2)), 0);
}

/**
 * e^(score − top) for each score; adds their sum to `total`. Returns whether any is 0. The probabilities are then
 * multiplied by `scales` if there are any; those of 0 stay 0.
 */
export function probabilities(scores: usize, count: i32, top: f32, total: usize, scales: usize): bool {
  const bytes = (<usize>count) << 2;
  // Where nothing is seen, −∞ − (−∞) would be NaN.
  const base = f32x4.splat(top === -Infinity ? 0 : top);
  let sum = f32x4.splat(0);
  let least = f32x4.splat(1);
  for (let at: usize = 0; at < bytes; at += 16) {
    const p = exp(f32x4.sub(v128.load(scores + at), base));
    sum = f32x4.add(sum, p);
    // As integers floats without a sign are in the same order.
    least = i32x4.min_u(least, p);
    if (scales) {
      const scaled = f32x4.mul(p, v128.load(scales + at));
      v128.store(scores + at, v128.andnot(scaled, f32x4.eq(p, f32x4.splat(0))));
    } else v128.store(scores + at, p);
  }
  const half = f32x4.add(sum, v128.shuffle<f32>(sum, sum, 2, 3, 0, 1));
  store<f32>(total, load<f32>(total) + f32x4.extract_lane(half, 0) + f32x4.extract_lane(half, 1));
  return v128.any_true(f32x4.eq(least, f32x4.splat(0)));
}
