/** Keys that a query does not see get a score of −∞; see `scores.ts` for how scores lie. */
import { Job } from "./job";
import { seenAt } from "./scratch";

/** Hides the keys that the mask hides. */
export function hide(job: Job, head: i32, query: i32, from: i32, scores: usize, count: i32): void {
  const last = job.queries - 1;
  const base = job.mask + head * job.maskHead + from * job.maskKey;
  let s = 0;
  if (job.maskKey === 1)
    for (; s + 16 <= count; s += 16) {
      turn(base + s, query, last, job.maskRow, seenAt(job));
      keepSeen(seenAt(job), scores + ((<usize>s) << 5));
    }
  const step: usize = job.maskKey;
  for (let lane = 0; lane < 8; lane++) {
    let row = base + <usize>s * step + min(query + lane, last) * job.maskRow;
    let at = scores + ((<usize>s) << 5) + (lane << 2);
    for (let rest = s; rest < count; rest++) {
      if (!load<u8>(row)) store<f32>(at, -Infinity);
      row += step;
      at += 32;
    }
  }
}

/** Sixteen bytes of each of eight queries, turned into eight bytes of each of sixteen keys. */
function turn(source: usize, query: i32, last: i32, stride: i32, target: usize): void {
  for (let half = 0; half < 8; half += 4) {
    const r0 = v128.load(source + min(query + half, last) * stride);
    const r1 = v128.load(source + min(query + half + 1, last) * stride);
    const r2 = v128.load(source + min(query + half + 2, last) * stride);
    const r3 = v128.load(source + min(query + half + 3, last) * stride);
    const low01 = v128.shuffle<u8>(r0, r1, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    const high01 = v128.shuffle<u8>(r0, r1, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    const low23 = v128.shuffle<u8>(r2, r3, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    const high23 = v128.shuffle<u8>(r2, r3, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    storeFour(target + half, v128.shuffle<u16>(low01, low23, 0, 8, 1, 9, 2, 10, 3, 11));
    storeFour(target + half + 32, v128.shuffle<u16>(low01, low23, 4, 12, 5, 13, 6, 14, 7, 15));
    storeFour(target + half + 64, v128.shuffle<u16>(high01, high23, 0, 8, 1, 9, 2, 10, 3, 11));
    storeFour(target + half + 96, v128.shuffle<u16>(high01, high23, 4, 12, 5, 13, 6, 14, 7, 15));
  }
}

@inline
function storeFour(target: usize, four: v128): void {
  v128.store32_lane(target, four, 0);
  v128.store32_lane(target, four, 1, 8);
  v128.store32_lane(target, four, 2, 16);
  v128.store32_lane(target, four, 3, 24);
}

function keepSeen(seen: usize, scores: usize): void {
  const hidden = f32x4.splat(-Infinity);
  const end = seen + 128;
  for (; seen < end; seen += 8) {
    const no = i16x8.eq(v128.load8x8_u(seen), i16x8.splat(0));
    v128.store(scores, v128.bitselect(hidden, v128.load(scores), i32x4.extend_low_i16x8_s(no)));
    v128.store(scores, v128.bitselect(hidden, v128.load(scores, 16), i32x4.extend_high_i16x8_s(no)), 16);
    scores += 32;
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

/** Whether a block of queries sees a block of keys. */
@inline
export function seesBlock(job: Job, head: i32, query: i32, key: i32): bool {
  const row = job.blocks + head * job.blockHead + (query / job.blockQueries) * job.blockRow;
  return load<u8>(row + key / job.blockKeys) !== 0;
}

/** Hides the blocks of keys that some of the queries do not see, where they stand in several blocks of queries. */
export function hideBlocks(job: Job, head: i32, query: i32, rows: i32, from: i32, scores: usize, count: i32): void {
  for (let lane = 0; lane < rows; lane++)
    for (let s = 0; s < count; s++)
      if (!seesBlock(job, head, query + lane, from + s)) store<f32>(scores + ((<usize>s) << 5) + (lane << 2), -Infinity);
}
