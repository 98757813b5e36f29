/**
 * What happens to the scores of eight queries before the softmax. `scores` holds eight floats for each of `count` keys;
 * a key that is not seen gets −∞. Rows beyond the last query are computed and never used.
 */
import { tanh } from "../lanes";
import { Job } from "./job";

/** c · tanh(z / c). */
export function cap(scores: usize, count: i32, bound: f32): void {
  const c = f32x4.splat(bound);
  const end = scores + ((<usize>count) << 5);
  for (let at = scores; at < end; at += 16) v128.store(at, f32x4.mul(c, tanh(f32x4.div(v128.load(at), c))));
}

/** Adds the bias of each query and key; −∞ hides the key, whatever its score. */
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
    for (let s = 0; s < count; s++) {
      let b = v128.load32_zero(r0);
      b = f32x4.replace_lane(b, 1, load<f32>(r1));
      b = f32x4.replace_lane(b, 2, load<f32>(r2));
      b = f32x4.replace_lane(b, 3, load<f32>(r3));
      const hidden = f32x4.eq(b, f32x4.splat(-Infinity));
      v128.store(at, v128.bitselect(b, f32x4.add(v128.load(at), b), hidden));
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

/** Hides the keys that the mask hides. */
export function hide(job: Job, head: i32, query: i32, from: i32, scores: usize, count: i32): void {
  const last = job.queries - 1;
  const base = job.mask + head * job.maskHead + from * job.maskKey;
  const step: usize = job.maskKey;
  for (let lane = 0; lane < 8; lane++) {
    let row = base + min(query + lane, last) * job.maskRow;
    let at = scores + (lane << 2);
    for (let s = 0; s < count; s++) {
      if (!load<u8>(row)) store<f32>(at, -Infinity);
      row += step;
      at += 32;
    }
  }
}

/** Hides the keys outside of each query's window; `place` is that of the first query, `rows` how many there are. */
export function clip(job: Job, place: i32, rows: i32, from: i32, scores: usize, count: i32): void {
  const to = from + count;
  const wholeFrom = min(to, max(from, place + rows - 1 - job.left));
  const wholeTo = max(wholeFrom, min(to, place + job.right + 1));
  clipKeys(job, place, from, wholeFrom, scores);
  clipKeys(job, place, wholeTo, to, scores + ((<usize>(wholeTo - from)) << 5));
}

function clipKeys(job: Job, place: i32, from: i32, to: i32, scores: usize): void {
  const hidden = f32x4.splat(-Infinity);
  const least = i32x4.splat(-job.left);
  const most = i32x4.splat(job.right);
  for (let s = from; s < to; s++) {
    const low = i32x4.sub(i32x4.splat(s - place), i32x4(0, 1, 2, 3));
    const high = i32x4.sub(low, i32x4.splat(4));
    const lowSeen = v128.and(i32x4.ge_s(low, least), i32x4.le_s(low, most));
    const highSeen = v128.and(i32x4.ge_s(high, least), i32x4.le_s(high, most));
    v128.store(scores, v128.bitselect(v128.load(scores), hidden, lowSeen));
    v128.store(scores, v128.bitselect(v128.load(scores, 16), hidden, highSeen), 16);
    scores += 32;
  }
}
