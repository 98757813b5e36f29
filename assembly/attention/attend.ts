import { clear, copyFloats, fill, interleave, panelOfColumns, panelOfRows } from "../pack";
import { exponential, ln } from "../scalars";
import { tiles } from "../tiles";
import { Job } from "./job";
import { addBias, addDistance, cap, clip, hide } from "./scores";
import {
  factorsAt,
  KEYS,
  keysAt,
  padded,
  QUERIES,
  queriesAt,
  scoresAt,
  sumsAt,
  topsAt,
  totalsAt,
  valuesAt,
} from "./scratch";
import { absorb } from "./softmax";
import { addSeenValues, addValues, finite } from "./values";
import { anySeen, endKey, firstKey } from "./visible";

export { attendScratch } from "./scratch";

/**
 * Softmax attention with an online softmax: no more than eight queries' scores of one block of keys exist at a time.
 * Keys and values of a head are packed once and serve all query heads that share them.
 */
export function attend(job: Job): void {
  const shared = job.heads / job.keyHeads;
  for (let keyHead = 0; keyHead < job.keyHeads; keyHead++) {
    packKeys(job, job.k + keyHead * job.kHead);
    const clean = packValues(job, job.v + keyHead * job.vHead);
    for (let i = 0; i < shared; i++)
      for (let query = 0; query < job.queries; query += QUERIES)
        block(job, keyHead * shared + i, query, min(QUERIES, job.queries - query), clean);
  }
}

function packKeys(job: Job, source: usize): void {
  const group = (<usize>job.width) << 4;
  let target = keysAt(job);
  for (let s = 0; s < job.keys; s += 4) {
    interleave(source + s * job.kRow, job.kRow, job.keys - s, job.width, target, 16);
    target += group;
  }
}

/** Returns whether all values are finite. */
function packValues(job: Job, source: usize): bool {
  const panel = (<usize>job.keys) << 5;
  const first = valuesAt(job);
  let target = first;
  for (let e = 0; e < job.valueWidth; e += 8) {
    panelOfColumns(source + (e << 2), job.vRow, job.valueWidth - e, job.keys, target);
    target += panel;
  }
  return finite(first, target - first);
}

/** Up to 32 queries of one head against all keys they see, a block of keys at a time. */
function block(job: Job, head: i32, query: i32, rows: i32, clean: bool): void {
  open(job, head, query, rows);
  const to = endKey(job, query + rows - 1);
  for (let from = firstKey(job, query) & ~3; from < to; from += KEYS)
    for (let row = 0; row < rows; row += 8)
      panel(job, head, query + row, row, min(8, rows - row), from, min(to, from + KEYS), clean);
  close(job, head, query, rows);
}

/** The scaled queries in panels, and nothing seen yet. */
function open(job: Job, head: i32, query: i32, rows: i32): void {
  const panelBytes = (<usize>job.width) << 5;
  const queries = queriesAt(job);
  const source = job.q + head * job.qHead + query * job.qRow;
  let target = queries;
  for (let row = 0; row < rows; row += 8) {
    panelOfRows(source + row * job.qRow, job.qRow, rows - row, job.width, target);
    target += panelBytes;
  }
  multiply(queries, target - queries, job.scale);
  clear(sumsAt(job), (<usize>QUERIES * padded(job.valueWidth)) << 2);
  fill(topsAt(job), QUERIES * 4, -Infinity);
  clear(totalsAt(job), QUERIES * 4);
}

/** Eight queries against one block of keys, or as much of it as any of them sees. */
function panel(job: Job, head: i32, query: i32, row: i32, rows: i32, blockFrom: i32, blockTo: i32, clean: bool): void {
  const from = max(blockFrom, firstKey(job, query));
  const to = min(blockTo, endKey(job, query + rows - 1));
  if (from >= to) return;
  if (job.mask && !anySeen(job, head, query, rows, from, to)) return;
  const count = to - from;
  const width: usize = job.width;
  const start = from & ~3;
  const tile = scoresAt(job);
  const queries = queriesAt(job) + <usize>row * (width << 2);
  tiles(
    keysAt(job) + <usize>start * (width << 2),
    16,
    width << 4,
    (to - start + 3) >> 2,
    queries,
    job.width,
    tile,
    32,
    128,
    0,
  );
  const scores = tile + ((<usize>(from - start)) << 5);
  const place = query + job.offset;
  if (job.cap !== Infinity) cap(scores, count, job.cap);
  if (job.bias) addBias(job, head, query, from, scores, count);
  if (job.slopes) addDistance(scores, count, load<f32>(job.slopes + (head << 2)), place, from);
  if (job.mask) hide(job, head, query, from, scores, count);
  clip(job, place, rows, from, scores, count);
  const state = (<usize>row) << 2;
  const factors = factorsAt(job) + state;
  if (!absorb(scores, count, topsAt(job) + state, totalsAt(job) + state, factors)) return;
  const values = valuesAt(job) + ((<usize>from) << 5);
  const apart = (<usize>job.keys) << 5;
  const rowBytes = padded(job.valueWidth) << 2;
  const sums = sumsAt(job) + <usize>row * rowBytes;
  if (clean) addValues(scores, count, values, apart, sums, rowBytes, factors);
  else addSeenValues(scores, count, values, apart, sums, rowBytes, factors);
}

/** The averages and the log-sum-exps; zeros where nothing was seen. */
function close(job: Job, head: i32, query: i32, rows: i32): void {
  const rowBytes = padded(job.valueWidth) << 2;
  const sink: f64 = job.sinks ? <f64>load<f32>(job.sinks + (head << 2)) : -Infinity;
  for (let row = 0; row < rows; row++) {
    const total = load<f32>(totalsAt(job) + (row << 2));
    const sums = sumsAt(job) + <usize>row * rowBytes;
    let lse: f64 = total === 0 ? -Infinity : <f64>load<f32>(topsAt(job) + (row << 2)) + ln(total);
    divide(sums, rowBytes, total === 0 ? 1 : total);
    // A sink's share is taken at the end: as the largest score it would drive all others towards zero.
    if (sink > -Infinity) {
      if (total !== 0) multiply(sums, rowBytes, <f32>(1 / (1 + exponential(sink - lse))));
      lse = max(sink, lse) + ln(1 + exponential(-abs(sink - lse)));
    }
    copyFloats(sums, job.valueWidth, job.out + head * job.outHead + (query + row) * job.outRow);
    store<f32>(job.lse + ((head * job.queries + query + row) << 2), <f32>lse);
  }
}

function divide(target: usize, bytes: usize, divisor: f32): void {
  const by = f32x4.splat(divisor);
  for (let at: usize = 0; at < bytes; at += 16) v128.store(target + at, f32x4.div(v128.load(target + at), by));
}

function multiply(target: usize, bytes: usize, factor: f32): void {
  const by = f32x4.splat(factor);
  for (let at: usize = 0; at < bytes; at += 16) v128.store(target + at, f32x4.mul(v128.load(target + at), by));
}
