/** int8 with one query a key head, in whole numbers: of the heads of a job, `heads` from number `j` on. */
import { addDigits, mergeDigits, queryDigits, scoreDigits, weightDigits } from "./digits";
import { addIntegers, flushIntegers, scoreIntegers, split, UNITS } from "./integers";
import { Job } from "./job";
import {
  digitsAt,
  integersAt,
  KEYS,
  partsAt,
  queriesAt,
  queryDigitsAt,
  queryPartsAt,
  queryUnitsAt,
  rowBytes,
  SCORES,
  scoresAt,
  turnedAt,
  unitsAt,
} from "./scratch";

/** Whether products are made by the engine's dot product of bytes. */
@inline
function byDigits(job: Job): bool {
  return ASC_FEATURE_RELAXED_SIMD && job.dots !== 0;
}

/** What keys and values are xored with; see `digits.ts`. */
@inline
function flip(job: Job): i32 {
  return job.dots === 1 ? 0x80 : 0;
}

/** The parts of all queries. One that has no unit, NaN then, is not split; so what one head does never depends on others. */
export function splitQueries(job: Job): void {
  const row = rowBytes(job.width);
  for (let j = 0; j < job.together; j++) {
    const parts = queryPartsAt(job) + <usize>j * row;
    const unit = queryUnitsAt(job) + <usize>j * UNITS;
    store<f32>(unit, split(queriesAt(job) + <usize>j * row, job.width, parts, parts + (row >> 1)));
    if (byDigits(job)) queryDigits(parts, job.width, flip(job), queryDigitsAt(job) + <usize>j * row, unit);
  }
}

/** The parts of head j's probabilities of a block, zeros to the next multiple of 16, and sums of 0. */
export function splitWeights(job: Job, j: i32, count: i32): void {
  const place = <usize>j * SCORES;
  const parts = partsAt(job) + place;
  const unit = unitsAt(job) + <usize>j * UNITS;
  store<f32>(unit, split(scoresAt(job) + place, count, parts, parts + (SCORES >> 1)));
  store<i64>(unit, 0, 4);
  const bytes: usize = 6 * rowBytes(job.valueWidth);
  memory.fill(integersAt(job) + <usize>j * bytes, 0, bytes);
}

/** Whether a head's query or, of `unitsAt`, its probabilities are in parts. */
@inline
export function isSplit(units: usize, j: i32): bool {
  return load<f32>(units + <usize>j * UNITS) >= 0;
}

/** Whether all are. */
export function areSplit(units: usize, heads: i32): bool {
  for (let j = 0; j < heads; j++) if (!isSplit(units, j)) return false;
  return true;
}

/** Scores of `count` keys of which the first head's first begins at `keys`. */
export function scoreWhole(job: Job, keys: usize, count: i32, target: usize, j: i32, heads: i32): void {
  const row = rowBytes(job.width);
  const parts = queryPartsAt(job) + <usize>j * row;
  const digits = queryDigitsAt(job) + <usize>j * row;
  const units = queryUnitsAt(job) + <usize>j * UNITS;
  const quarter = (count + 3) >> 2;
  const apart = <usize>quarter << 2;
  let k = keys + <usize>j * job.kHead;
  target += <usize>j * SCORES;
  for (let at = 0; at < quarter; at++) {
    // Beyond the end stands the last key again; its scores are not used.
    const rest = count - at - 1;
    const k1 = k + <usize>min(quarter, rest) * job.kRow;
    const k2 = k + <usize>min(2 * quarter, rest) * job.kRow;
    const k3 = k + <usize>min(3 * quarter, rest) * job.kRow;
    if (byDigits(job))
      scoreDigits(k, k1, k2, k3, job.kHead, parts, digits, units, heads, job.width, flip(job), target, apart);
    else scoreIntegers(k, k1, k2, k3, job.kHead, parts, units, heads, job.width, target, apart);
    k += job.kRow;
    target += 4;
  }
}

/** Adds `count` values, of which the first head's first begins at `values`; the first is number `place` of the block. */
export function addWhole(job: Job, values: usize, count: i32, place: i32, j: i32, heads: i32): void {
  const row = rowBytes(job.valueWidth);
  const v = values + <usize>j * job.vHead;
  let done = 0;
  if (byDigits(job)) {
    const eighth = count >> 3;
    const apart = <usize>eighth * job.vRow;
    const sums = integersAt(job) + <usize>(6 * j + 2) * row;
    const parts = partsAt(job) + <usize>j * SCORES + ((<usize>place) << 1);
    let digits = digitsAt(job) + <usize>j * SCORES;
    weightDigits(parts, eighth, flip(job), heads, digits, unitsAt(job) + <usize>j * UNITS, turnedAt(job));
    for (let at = 0; at < eighth; at++) {
      addDigits(v + <usize>at * job.vRow, apart, job.vHead, digits, heads, job.valueWidth, flip(job), sums, 6 * row);
      digits += 8;
    }
    done = eighth << 3;
    const whole = job.valueWidth & ~15;
    if (whole < job.valueWidth) addParts(job, v, done, place, whole, j, heads);
  }
  addParts(job, v + <usize>done * job.vRow, count - done, place + done, 0, j, heads);
}

/** Adds `count` values by parts of 16 bits, their features from `first` on. */
function addParts(job: Job, values: usize, count: i32, place: i32, first: i32, j: i32, heads: i32): void {
  const row = rowBytes(job.valueWidth);
  const width = job.valueWidth - first;
  const parts = partsAt(job) + <usize>j * SCORES;
  const sums = integersAt(job) + <usize>(6 * j) * row + ((<usize>first) << 2);
  const quarter = count >> 2;
  const apart = (<usize>quarter) << 1;
  let v = values + first;
  let high = parts + ((<usize>place) << 1);
  for (let at = 0; at < quarter; at++) {
    addIntegers(v, <usize>quarter * job.vRow, job.vHead, high, apart, heads, width, sums, row);
    v += job.vRow;
    high += 2;
  }
  const rest = count & 3;
  v += 3 * quarter * job.vRow;
  high += 3 * apart;
  for (let i = 0; i < rest; i++) {
    // Four times the same value, with parts of 0 but for the first.
    for (let r = 0; r < heads; r++) spare(parts + <usize>r * SCORES, high + <usize>r * SCORES);
    addIntegers(v, 0, job.vHead, parts + ((<usize>KEYS) << 1), 2, heads, width, sums, row);
    v += job.vRow;
    high += 2;
  }
}

/** A part and three zeros, high and low, beyond those of a block. */
function spare(parts: usize, high: usize): void {
  const target = parts + ((<usize>KEYS) << 1);
  store<u64>(target, load<u16>(high));
  store<u64>(target + (SCORES >> 1), load<u16>(high + (SCORES >> 1)));
}

/** Adds the sums of whole numbers to those of floats, `row` bytes for each head. */
export function flushWhole(job: Job, sums: usize): void {
  const row = rowBytes(job.valueWidth);
  for (let j = 0; j < job.together; j++) {
    if (isSplit(unitsAt(job), j)) {
      const integers = integersAt(job) + <usize>(6 * j) * row;
      const unit = unitsAt(job) + <usize>j * UNITS;
      if (byDigits(job)) mergeDigits(integers + 2 * row, job.valueWidth, unit, integers);
      flushIntegers(integers, load<f32>(unit), job.valueWidth, sums);
    }
    sums += row;
  }
}
