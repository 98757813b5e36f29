import { exp } from "../lanes";
import { clear, copyFloats } from "../pack";
import { exponential, ln } from "../scalars";
import { addHalves, scoreHalves } from "./halves";
import { Job } from "./job";
import { deal, scores } from "./keys";
import { TINY, widen, widenTiny } from "./narrow";
import {
  KEYS,
  keyScalesAt,
  queriesAt,
  queryUnitsAt,
  rowBytes,
  rowsOfHead,
  SCORES,
  scoresAt,
  sumsAt,
  topsAt,
  totalsAt,
  unitsAt,
  valueScalesAt,
  wideAt,
} from "./scratch";
import { adjust, hide, largest, probabilities, scale } from "./softmax";
import { addAll, addSeen } from "./values";
import { addWhole, areSplit, flushWhole, isSplit, scoreWhole, splitQueries, splitWeights } from "./whole";

export { decodeScratch } from "./scratch";

/**
 * Softmax attention of a few queries over a long cache: keys and values are read once, in place and in the order of
 * memory, for all query heads that share them.
 */
export function decode(job: Job): void {
  if (job.type === 0) each<f32>(job);
  else if (job.type === 1) each<u16>(job);
  else each<i8>(job);
}

function each<T>(job: Job): void {
  for (let first = 0; first < job.keyHeads; first += job.together) heads<T>(job, first);
}

/** The key heads that are read side by side, a block of keys at a time. */
function heads<T>(job: Job, first: i32): void {
  const quick = open<T>(job, first);
  const to = min(job.keys, job.queries + job.offset + job.right);
  for (let from = max(0, job.offset - job.left); from < to; from += KEYS) {
    const end = min(to, from + KEYS);
    for (let s = from; s < end; s = runEnd(job, s, end)) scoreRun<T>(job, first, from, s, runEnd(job, s, end), quick);
    const zeros = absorb<T>(job, first, from, end - from, quick);
    for (let s = from; s < end; s = runEnd(job, s, end))
      addRun<T>(job, first, from, s, runEnd(job, s, end), zeros, quick);
    if (isInteger<T>() && sizeof<T>() === 1 && quick) flushWhole(job, sumsAt(job));
  }
  close(job, first);
}

/** Keys that are read together, at most: also where there are no pages, so that sums are added up alike. */
const RUN = 64;

/** One beyond the last of the keys before `end` that are read with key s: they lie in one page. */
@inline
function runEnd(job: Job, s: i32, end: i32): i32 {
  return min(min(end, s - (s % RUN) + RUN), s - (s % job.pageKeys) + job.pageKeys);
}

/** The entry of the page table for the page of key s. */
@inline
function entry(job: Job, s: i32): i32 {
  return job.pages ? load<i32>(job.pages + ((s / job.pageKeys) << 2)) : 0;
}

/**
 * The queries, and nothing seen yet. Returns whether narrow keys and values can be multiplied as they are: float16 by
 * queries of a size that leaves room for it, int8 if each has one query.
 */
function open<T>(job: Job, first: i32): bool {
  const shared = job.heads / job.keyHeads;
  const row = rowBytes(job.width);
  const rows = job.together * rowsOfHead(job);
  let most = f32x4.splat(0);
  let target = queriesAt(job);
  for (let i = first * shared; i < (first + job.together) * shared; i++)
    for (let query = 0; query < job.queries; query++) {
      clear(target, row);
      copyFloats(job.q + i * job.qHead + query * job.qRow, job.width, target);
      for (const end = target + row; target < end; target += 16) most = f32x4.max(most, f32x4.abs(v128.load(target)));
    }
  clear(sumsAt(job), <usize>rows * rowBytes(job.valueWidth));
  for (let r = 0; r < rows; r++) {
    store<f32>(topsAt(job) + (r << 2), -Infinity);
    store<f32>(totalsAt(job) + (r << 2), 0);
  }
  if (isFloat<T>()) return false;
  if (sizeof<T>() === 2) {
    // 2^112 times 2^15 is still a float.
    if (job.special || v128.any_true(v128.not(f32x4.lt(most, f32x4.splat(32768))))) return false;
    for (let at = queriesAt(job); at < target; at += 16)
      v128.store(at, f32x4.mul(v128.load(at), f32x4.splat(TINY)));
    return true;
  }
  // Sums of 1024 products of 2^14 and 2^7 are still integers of 32 bits.
  if (rows !== job.together || job.width > 1023) return false;
  splitQueries(job);
  return true;
}

/** A row as floats; of float16 that are multiplied as they are, as they then come. */
@inline
function wider<T>(source: usize, width: i32, target: usize, quick: bool): void {
  if (sizeof<T>() === 2 && quick) widenTiny(source, width, target);
  else widen<T>(source, width, target);
}

/** Scores of keys s to `end`, which lie in one page, in the block that begins at `from`. */
function scoreRun<T>(job: Job, first: i32, from: i32, s: i32, end: i32, quick: bool): void {
  const page = entry(job, s);
  const slot = s % job.pageKeys;
  const base = job.k + <usize>page * job.kPage + <usize>slot * job.kRow + first * job.kHead;
  scoreKeys<T>(job, base, end - s, scoresAt(job) + ((s - from) << 2), quick);
  if (isInteger<T>() && sizeof<T>() === 1)
    for (let j = 0; j < job.together; j++) {
      const offset = <usize>page * job.scalePage + <usize>(first + j) * job.scaleHead + <usize>slot * job.scaleRow;
      const place = <usize>j * SCORES + ((s - from) << 2);
      gather(job.kScales + offset, job.scaleRow, end - s, keyScalesAt(job) + place);
      gather(job.vScales + offset, job.scaleRow, end - s, valueScalesAt(job) + place);
    }
}

/**
 * Scores of `count` keys, of which the first head's first begins at `keys`. The four that are read side by side are a
 * quarter of them apart: memory gives more from several places than from one.
 */
function scoreKeys<T>(job: Job, keys: usize, count: i32, target: usize, quick: bool): void {
  const rows = rowsOfHead(job);
  const row = rowBytes(job.width);
  const wide = wideAt(job);
  const queries = queriesAt(job);
  const halves = sizeof<T>() === 2 && quick && rows === 1;
  const whole = sizeof<T>() === 1 && quick;
  if (whole) {
    const units = queryUnitsAt(job);
    if (areSplit(units, job.together)) return scoreWhole(job, keys, count, target, 0, job.together);
    for (let j = 0; j < job.together; j++) if (isSplit(units, j)) scoreWhole(job, keys, count, target, j, 1);
  }
  const quarter = (count + 3) >> 2;
  const apart = <usize>quarter << 2;
  for (let at = 0; at < quarter; at++) {
    // Beyond the end stands the last key again; its scores are not used.
    const rest = count - at - 1;
    const s1 = <usize>min(quarter, rest) * job.kRow;
    const s2 = <usize>min(2 * quarter, rest) * job.kRow;
    const s3 = <usize>min(3 * quarter, rest) * job.kRow;
    if (halves) {
      const k = keys;
      scoreHalves(k, k + s1, k + s2, k + s3, job.kHead, queries, job.together, job.width, target, apart);
    } else
      for (let j = 0; j < job.together; j++) {
        if (whole && isSplit(queryUnitsAt(job), j)) continue;
        const k = keys + <usize>j * job.kHead;
        const q = queries + <usize>(j * rows) * row;
        const scored = target + <usize>(j * rows) * SCORES;
        if (isFloat<T>()) scores(k, k + s1, k + s2, k + s3, q, rows, job.width, scored, apart);
        else {
          wider<T>(k, job.width, wide, quick);
          wider<T>(k + s1, job.width, wide + row, quick);
          wider<T>(k + s2, job.width, wide + 2 * row, quick);
          wider<T>(k + s3, job.width, wide + 3 * row, quick);
          scores(wide, wide + row, wide + 2 * row, wide + 3 * row, q, rows, job.width, scored, apart);
        }
      }
    keys += job.kRow;
    target += 4;
  }
}

function gather(source: usize, step: usize, count: i32, target: usize): void {
  const end = target + ((<usize>count) << 2);
  for (; target < end; target += 4) {
    store<f32>(target, load<f32>(source));
    source += step;
  }
}

/** Turns the scores of a block into probabilities, and what was added before with them. Returns whether any is 0. */
function absorb<T>(job: Job, first: i32, from: i32, count: i32, quick: bool): bool {
  const shared = job.heads / job.keyHeads;
  const row = rowBytes(job.valueWidth);
  const scaled = isInteger<T>() && sizeof<T>() === 1;
  let zeros = false;
  let r = 0;
  for (let i = 0; i < job.together * shared; i++)
    for (let query = 0; query < job.queries; query++) {
      const tile = scoresAt(job) + <usize>r * SCORES;
      const scales = <usize>(i / shared) * SCORES;
      scale(tile, job.scale, scaled ? keyScalesAt(job) + scales : 0, count);
      adjust(job, first * shared + i, query, from, tile, count);
      const state = (<usize>r) << 2;
      const before = load<f32>(topsAt(job) + state);
      const top = max(before, largest(tile, count));
      if (top !== before) {
        const factor: f32 = before === -Infinity ? 1 : f32x4.extract_lane(exp(f32x4.splat(before - top)), 0);
        store<f32>(topsAt(job) + state, top);
        store<f32>(totalsAt(job) + state, factor * load<f32>(totalsAt(job) + state));
        times(sumsAt(job) + <usize>r * row, row, factor);
      }
      zeros = probabilities(tile, count, top, totalsAt(job) + state, scaled ? valueScalesAt(job) + scales : 0) || zeros;
      // What the values are too small by.
      if (sizeof<T>() === 2 && quick) times(tile, ((<usize>count << 2) + 15) & ~15, TINY);
      if (isInteger<T>() && sizeof<T>() === 1 && quick) {
        // With one query each, r is also the key head's number.
        const padded = (count + 15) & ~15;
        hide(tile, count, padded, 0);
        splitWeights(job, r, padded);
      }
      r++;
    }
  return zeros;
}

/** Adds the values of keys s to `end`, which lie in one page. */
function addRun<T>(job: Job, first: i32, from: i32, s: i32, end: i32, zeros: bool, quick: bool): void {
  const base = job.v + <usize>entry(job, s) * job.vPage + <usize>(s % job.pageKeys) * job.vRow + first * job.vHead;
  addValues<T>(job, base, end - s, <usize>(s - from) << 2, zeros, quick);
}

/** Adds `count` values, read as keys are; `place` is where their probabilities stand in a row of them. */
function addValues<T>(job: Job, values: usize, count: i32, place: usize, zeros: bool, quick: bool): void {
  const rows = rowsOfHead(job);
  const row = rowBytes(job.valueWidth);
  const wide = wideAt(job);
  const weighted = scoresAt(job);
  const added = sumsAt(job);
  const halves = sizeof<T>() === 2 && quick && rows === 1;
  const whole = sizeof<T>() === 1 && quick;
  if (whole) {
    const units = unitsAt(job);
    const first = <i32>(place >> 2);
    if (areSplit(units, job.together)) return addWhole(job, values, count, first, 0, job.together);
    for (let j = 0; j < job.together; j++) if (isSplit(units, j)) addWhole(job, values, count, first, j, 1);
  }
  const quarter = count >> 2;
  const apart = <usize>quarter << 2;
  const s1 = <usize>quarter * job.vRow;
  const s2 = s1 + s1;
  const s3 = s1 + s2;
  for (let at = 0; at < quarter; at++) {
    if (halves && !zeros) {
      const v = values;
      const p = weighted + place;
      addHalves(v, v + s1, v + s2, v + s3, job.vHead, p, apart, job.together, job.valueWidth, added);
    } else
      for (let j = 0; j < job.together; j++) {
        if (whole && isSplit(unitsAt(job), j)) continue;
        const v = values + <usize>j * job.vHead;
        const p = weighted + <usize>(j * rows) * SCORES + place;
        const sums = added + <usize>(j * rows) * row;
        if (zeros && anyZero(p, apart, rows))
          for (let i: usize = 0; i < 4; i++) addOne<T>(job, v + i * s1, p + i * apart, rows, sums, quick);
        else if (isFloat<T>()) addAll(v, v + s1, v + s2, v + s3, p, apart, rows, job.valueWidth, sums);
        else if (halves) addHalves(v, v + s1, v + s2, v + s3, 0, p, apart, 1, job.valueWidth, sums);
        else {
          wider<T>(v, job.valueWidth, wide, quick);
          wider<T>(v + s1, job.valueWidth, wide + row, quick);
          wider<T>(v + s2, job.valueWidth, wide + 2 * row, quick);
          wider<T>(v + s3, job.valueWidth, wide + 3 * row, quick);
          addAll(wide, wide + row, wide + 2 * row, wide + 3 * row, p, apart, rows, job.valueWidth, sums);
        }
      }
    values += job.vRow;
    place += 4;
  }
  values += s3;
  place += 3 * apart;
  for (let at = quarter << 2; at < count; at++) {
    for (let j = 0; j < job.together; j++) {
      if (whole && isSplit(unitsAt(job), j)) continue;
      const p = weighted + <usize>(j * rows) * SCORES + place;
      addOne<T>(job, values + <usize>j * job.vHead, p, rows, added + <usize>(j * rows) * row, quick);
    }
    values += job.vRow;
    place += 4;
  }
}

/** Adds one value to the queries that see it. */
function addOne<T>(job: Job, value: usize, weights: usize, rows: i32, sums: usize, quick: bool): void {
  if (!anyNotZero(weights, rows)) return;
  if (isFloat<T>()) addSeen(value, weights, rows, job.valueWidth, sums);
  else {
    wider<T>(value, job.valueWidth, wideAt(job), quick);
    addSeen(wideAt(job), weights, rows, job.valueWidth, sums);
  }
}

/** Whether any query has a probability of 0 for any of four keys. */
function anyZero(p: usize, apart: usize, rows: i32): bool {
  for (let r = 0; r < rows; r++) {
    if (load<f32>(p) === 0 || load<f32>(p + apart) === 0) return true;
    if (load<f32>(p + 2 * apart) === 0 || load<f32>(p + 3 * apart) === 0) return true;
    p += SCORES;
  }
  return false;
}

/** Whether any query sees one key. */
function anyNotZero(p: usize, rows: i32): bool {
  for (let r = 0; r < rows; r++) if (load<f32>(p + <usize>r * SCORES) !== 0) return true;
  return false;
}

function times(target: usize, bytes: usize, factor: f32): void {
  const by = f32x4.splat(factor);
  for (let at: usize = 0; at < bytes; at += 16) v128.store(target + at, f32x4.mul(v128.load(target + at), by));
}

/** The averages and the log-sum-exps; zeros where nothing was seen. */
function close(job: Job, first: i32): void {
  const shared = job.heads / job.keyHeads;
  const row = rowBytes(job.valueWidth);
  let r = 0;
  for (let head = first * shared; head < (first + job.together) * shared; head++) {
    const sink: f64 = job.sinks ? <f64>load<f32>(job.sinks + (head << 2)) : -Infinity;
    for (let query = 0; query < job.queries; query++) {
      const total = load<f32>(totalsAt(job) + (r << 2));
      const sums = sumsAt(job) + <usize>r * row;
      let lse: f64 = total === 0 ? -Infinity : <f64>load<f32>(topsAt(job) + (r << 2)) + ln(total);
      let share: f64 = total === 0 ? 0 : 1 / <f64>total;
      // A sink's share is taken at the end: as the largest score it would drive all others towards zero.
      if (sink > -Infinity) {
        share /= 1 + exponential(sink - lse);
        lse = max(sink, lse) + ln(1 + exponential(-abs(sink - lse)));
      }
      times(sums, row, <f32>share);
      copyFloats(sums, job.valueWidth, job.out + head * job.outHead + query * job.outRow);
      store<f32>(job.lse + head * job.lseHead + (query << 2), <f32>lse);
      r++;
    }
  }
}
