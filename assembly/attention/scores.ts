/**
 * What happens to the scores of eight queries before the softmax. `scores` holds eight floats for each of `count` keys;
 * a key that is not seen gets −∞. Rows beyond the last query are computed and never used.
 */
import { tanh } from "../lanes";
import { Job } from "./job";
import { distancesAt } from "./scratch";

/** Multiplies all scores. */
export function scale(scores: usize, count: i32, factor: f32): void {
  const by = f32x4.splat(factor);
  const end = scores + ((<usize>count) << 5);
  for (let at = scores; at < end; at += 16) v128.store(at, f32x4.mul(v128.load(at), by));
}

/** c · tanh(z / c). */
export function cap(scores: usize, count: i32, bound: f32): void {
  const c = f32x4.splat(bound);
  const end = scores + ((<usize>count) << 5);
  for (let at = scores; at < end; at += 16) v128.store(at, f32x4.mul(c, tanh(f32x4.div(v128.load(at), c))));
}

/** A score and its bias; −∞ hides the key, whatever its score. */
@inline
function biased(score: v128, bias: v128): v128 {
  const hidden = f32x4.eq(bias, f32x4.splat(-Infinity));
  return v128.bitselect(bias, f32x4.add(score, bias), hidden);
}

/** Adds the bias of each query and key. */
export function addBias(job: Job, head: i32, query: i32, from: i32, scores: usize, count: i32): void {
  const last = job.queries - 1;
  const base = job.bias + head * job.biasHead + from * job.biasKey;
  for (let half = 0; half < 8; half += 4) {
    let r0 = base + min(query + half, last) * job.biasRow;
    let r1 = base + min(query + half + 1, last) * job.biasRow;
    let r2 = base + min(query + half + 2, last) * job.biasRow;
    let r3 = base + min(query + half + 3, last) * job.biasRow;
    const step: usize = job.biasKey;
    let at = scores + (half << 2);
    let s = 0;
    if (step === 4)
      for (; s + 4 <= count; s += 4) {
        const b0 = v128.load(r0);
        const b1 = v128.load(r1);
        const b2 = v128.load(r2);
        const b3 = v128.load(r3);
        const low01 = v128.shuffle<f32>(b0, b1, 0, 4, 1, 5);
        const low23 = v128.shuffle<f32>(b2, b3, 0, 4, 1, 5);
        const high01 = v128.shuffle<f32>(b0, b1, 2, 6, 3, 7);
        const high23 = v128.shuffle<f32>(b2, b3, 2, 6, 3, 7);
        v128.store(at, biased(v128.load(at), v128.shuffle<f32>(low01, low23, 0, 1, 4, 5)));
        v128.store(at, biased(v128.load(at, 32), v128.shuffle<f32>(low01, low23, 2, 3, 6, 7)), 32);
        v128.store(at, biased(v128.load(at, 64), v128.shuffle<f32>(high01, high23, 0, 1, 4, 5)), 64);
        v128.store(at, biased(v128.load(at, 96), v128.shuffle<f32>(high01, high23, 2, 3, 6, 7)), 96);
        r0 += 16;
        r1 += 16;
        r2 += 16;
        r3 += 16;
        at += 128;
      }
    for (; s < count; s++) {
      let b = v128.load32_zero(r0);
      b = f32x4.replace_lane(b, 1, load<f32>(r1));
      b = f32x4.replace_lane(b, 2, load<f32>(r2));
      b = f32x4.replace_lane(b, 3, load<f32>(r3));
      v128.store(at, biased(v128.load(at), b));
      r0 += step;
      r1 += step;
      r2 += step;
      r3 += step;
      at += 32;
    }
  }
}

/** Takes `slope` times the distance of query and key from each score. */
export function addDistance(scores: usize, count: i32, slope: f32, place: i32, from: i32): void {
  const loss = f32x4.splat(slope);
  const one = f32x4.splat(1);
  // Places are below 2^24 and so are exact.
  let low = f32x4.add(f32x4.splat(<f32>(place - from)), f32x4(0, 1, 2, 3));
  let high = f32x4.add(low, f32x4.splat(4));
  const end = scores + ((<usize>count) << 5);
  for (let at = scores; at < end; at += 32) {
    v128.store(at, f32x4.sub(v128.load(at), f32x4.mul(loss, f32x4.abs(low))));
    v128.store(at, f32x4.sub(v128.load(at, 16), f32x4.mul(loss, f32x4.abs(high))), 16);
    low = f32x4.sub(low, one);
    high = f32x4.sub(high, one);
  }
}

/** Lays out a head's biases so that those of neighbouring queries for one key are neighbours: by growing place − key. */
export function layDistances(job: Job, head: i32, base: i32): void {
  const table = job.relative + ((<usize>head * (2 * job.reach + 1)) << 2);
  const first = job.offset - (base + job.span - 1) - 16;
  const last = job.queries + job.offset - base + 16;
  let target = distancesAt(job);
  for (let distance = first; distance <= last; distance++) {
    const index = min(max(job.reach - distance, 0), 2 * job.reach);
    store<f32>(target, load<f32>(table + ((<usize>index) << 2)));
    target += 4;
  }
}

/** Adds the biases laid out; `base` is the first key of the head that is in use. */
export function addRelative(job: Job, base: i32, place: i32, from: i32, scores: usize, count: i32): void {
  const first = job.offset - (base + job.span - 1) - 16;
  let source = distancesAt(job) + ((<usize>(place - from - first)) << 2);
  const end = scores + ((<usize>count) << 5);
  for (let at = scores; at < end; at += 32) {
    v128.store(at, biased(v128.load(at), v128.load(source)));
    v128.store(at, biased(v128.load(at, 16), v128.load(source, 16)), 16);
    source -= 4;
  }
}
