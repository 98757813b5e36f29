import { clear, copyFloats, fill, interleave, panelOfColumns, panelOfRows } from "../pack";
import { tiles } from "../tiles";
import { fadeAfter, fadeBefore, fadeKeys, fadeMore, openRows } from "./gates";
import { headOf, LinearJob } from "./job";
import { pairs } from "./pairs";
import { addRow, fadeRow, padded, padRows, scaleRow } from "./rows";
import {
  blockBytes,
  edgeAt,
  eightAt,
  gateRowsAt,
  keyRowsAt,
  keysAt,
  memoryAt,
  paddedAt,
  panelAt,
  rowAt,
  rowBytes,
  tokensAt,
} from "./scratch";
import { steps } from "./steps";
import { fadeScores } from "./triangle";

/**
 * `count` tokens from `from` on are written to the state, and `rows` queries from `query` on read, the first of them
 * what the first token leaves; without tokens all of them what is there.
 */
export function chunk(job: LinearJob, state: i32, from: i32, count: i32, query: i32, rows: i32): void {
  if (!packValues(job, state, from, count)) {
    // A value that is infinite or NaN must not reach the queries before it, be it as 0 · ∞.
    steps(job, state, memoryAt(job), blockBytes(job), 32, from, count, query, rows);
    return;
  }
  if (job.channels && count) channels(job, state, from, count, query, rows);
  else tokens(job, state, from, count, query, rows);
  for (let e = 0; e < job.valueWidth; e += 8) {
    const block = memoryAt(job) + <usize>(e >> 3) * blockBytes(job);
    readBlock(job, state, block, e, count, query, rows);
    if (count) writeBlock(job, block, count);
  }
  if (job.z) {
    readSums(job, state, count, query, rows);
    const sums = rowAt(job, 2);
    fadeRow(sums, rowAt(job, 0), rowBytes(job));
    for (let s = 0; s < count; s++) addRow(sums, 1, keyRowsAt(job) + <usize>s * rowBytes(job), padded(job.width));
  }
}

/** The chunk's values below the state's rows. Returns whether all are finite. */
function packValues(job: LinearJob, state: i32, from: i32, count: i32): bool {
  const source = job.v + headOf(state, job.vHeads, job.states, job.vHead) + from * job.vRow;
  let target = memoryAt(job) + (<usize>padded(job.width) << 5);
  let low = f32x4.splat(0);
  let high = low;
  for (let e = 0; e < job.valueWidth; e += 8) {
    panelOfColumns(source + (e << 2), job.vRow, job.valueWidth - e, count, target);
    // 0 times a value is 0 if and only if it is finite.
    for (let at = target; at < target + ((<usize>count) << 5); at += 32) {
      low = f32x4.add(low, f32x4.mul(v128.load(at), f32x4.splat(0)));
      high = f32x4.add(high, f32x4.mul(v128.load(at, 16), f32x4.splat(0)));
    }
    target += blockBytes(job);
  }
  const sum = f32x4.add(low, high);
  return !v128.any_true(f32x4.ne(sum, sum));
}

/** Queries, scores and keys where a token has one gate for all channels. */
function tokens(job: LinearJob, state: i32, from: i32, count: i32, query: i32, rows: i32): void {
  const row = rowBytes(job);
  const gates = tokensAt(job, 0);
  const before = tokensAt(job, 1);
  const after = tokensAt(job, 2);
  tokenGates(job, state, from, count, gates);
  // Queries beyond the last are zeros, but 0 · NaN is not.
  fill(before, after - before, 1);
  fill(rowAt(job, 0), row, fadeBefore(gates, count, before));
  fadeAfter(gates, count, after);

  const k = job.k + headOf(state, job.kHeads, job.states, job.kHead) + from * job.kRow;
  const keys = keysAt(job);
  for (let s = 0; s < count; s += 4)
    interleave(k + s * job.kRow, job.kRow, count - s, job.width, keys + <usize>s * row, 16);
  const whole = wholeRows(job, k, job.kRow, count, 1);
  const step = whole === k ? <usize>job.kRow : row;
  for (let s: usize = 0; s < <usize>count; s++)
    scaleRow(whole + s * step, load<f32>(after + (s << 2)), keyRowsAt(job) + s * row, row);

  const readers = job.heads / job.states;
  const eight = eightAt(job, 0);
  for (let reader = 0; reader < readers; reader++)
    for (let first = 0; first < rows; first += 8) {
      const end = min(first + 8, count);
      const panel = panelAt(job, reader, first);
      const scores = panel + (row << 3);
      packQueries(job, state * readers + reader, query + first, rows - first, eight);
      tiles(keys, 16, row << 2, (end + 3) >> 2, eight, job.width, scores, 32, 128, 0);
      fadeScores(scores, gates, first, end, job.scale);
      fadeQueries(eight, before + ((<usize>first) << 2), job.scale, panel, row << 3);
    }
}

/** One gate a token; all the same if the head has only one. */
function tokenGates(job: LinearJob, state: i32, from: i32, count: i32, target: usize): void {
  const bytes = (<usize>((count + 3) & ~3)) << 2;
  fill(target, bytes, 1);
  if (!job.gates) return;
  const source = job.gates + headOf(state, job.gateHeads, job.states, job.gateHead) + from * job.gateRow;
  for (let t = 0; t < count; t++) store<f32>(target + ((<usize>t) << 2), load<f32>(source + t * job.gateRow));
  openRows(target, 0, 1, bytes, target, <bool>job.logs);
}

/** target = scale · factors · queries, where `factors` are those of the eight queries. */
function fadeQueries(queries: usize, factors: usize, scale: f32, target: usize, bytes: usize): void {
  const low = f32x4.mul(f32x4.splat(scale), v128.load(factors));
  const high = f32x4.mul(f32x4.splat(scale), v128.load(factors, 16));
  for (let at: usize = 0; at < bytes; at += 32) {
    v128.store(target + at, f32x4.mul(low, v128.load(queries + at)));
    v128.store(target + at, f32x4.mul(high, v128.load(queries + at, 16)), 16);
  }
}

/** Queries, scores and keys where every channel has gates of its own. */
function channels(job: LinearJob, state: i32, from: i32, count: i32, query: i32, rows: i32): void {
  const row = rowBytes(job);
  const gates = gateRowsAt(job);
  const keyRows = keyRowsAt(job);
  const all = rowAt(job, 0);
  const last = rowAt(job, 1);
  const source = job.gates + headOf(state, job.gateHeads, job.states, job.gateHead) + from * job.gateRow;
  const given = wholeRows(job, source, job.gateRow, count, 2);
  openRows(given, given === source ? <usize>job.gateRow : row, count, row, gates, <bool>job.logs);
  const k = job.k + headOf(state, job.kHeads, job.states, job.kHead) + from * job.kRow;
  const whole = wholeRows(job, k, job.kRow, count, 1);
  const step = whole === k ? <usize>job.kRow : row;
  const readers = job.heads / job.states;
  fill(all, row, 1);
  for (let first = 0; first < count; first += 8) {
    const tall = min(8, count - first);
    const here = <usize>first * row;
    const earlier = keyRows + here;
    const mild = fadeKeys(whole + <usize>first * step, step, gates + here, row, tall, earlier, last);
    if (first < rows) {
      for (let s = 0; s < first; s += 4)
        interleave(keyRows + <usize>s * row, row, 4, job.width, keysAt(job) + <usize>s * row, 16);
      panelOfRows(k + first * job.kRow, job.kRow, tall, job.width, eightAt(job, 1));
      panelOfRows(gates + here, row, tall, job.width, eightAt(job, 2));
      for (let reader = 0; reader < readers; reader++) {
        const head = state * readers + reader;
        channelScores(job, head, panelAt(job, reader, first), first, query + first, rows - first, mild);
      }
    }
    for (let at = keyRows; at < earlier; at += row) fadeRow(at, last, row);
    fadeMore(all, last, row);
  }
}

/**
 * Eight queries. The keys of earlier eights stand faded up to here, the queries are faded since here, so that each score
 * with them is a plain product of two factors that do not grow.
 */
function channelScores(
  job: LinearJob,
  head: i32,
  panel: usize,
  first: i32,
  query: i32,
  rows: i32,
  mild: bool,
): void {
  const row = rowBytes(job);
  const scores = panel + (row << 3);
  const queries = eightAt(job, 0);
  packQueries(job, head, query, rows, queries);
  const own = scores + ((<usize>first) << 5);
  pairs(queries, eightAt(job, 1), eightAt(job, 2), job.width, job.scale, own, panel, mild);
  clear(panel + ((<usize>job.width) << 5), <usize>(padded(job.width) - job.width) << 5);
  if (!first) return;
  tiles(keysAt(job), 16, row << 2, first >> 2, panel, job.width, scores, 32, 128, 0);
  let factor = rowAt(job, 0);
  for (let at = panel; at < scores; at += 32) {
    const f = v128.load32_splat(factor);
    v128.store(at, f32x4.mul(f, v128.load(at)));
    v128.store(at, f32x4.mul(f, v128.load(at, 16)), 16);
    factor += 4;
  }
}

/** Up to eight queries, channel by channel, zeros beyond. */
function packQueries(job: LinearJob, head: i32, query: i32, rows: i32, target: usize): void {
  const source = job.q + headOf(head, job.qHeads, job.heads, job.qHead) + query * job.qRow;
  panelOfRows(source, job.qRow, rows, job.width, target);
  clear(target + ((<usize>job.width) << 5), <usize>(padded(job.width) - job.width) << 5);
}

/** The rows themselves if they are whole vectors, else a copy of which that is true, `rowBytes` apart. */
function wholeRows(job: LinearJob, source: usize, stride: usize, count: i32, which: i32): usize {
  if (!(job.width & 3)) return source;
  padRows(source, stride, count, job.width, paddedAt(job, which));
  return paddedAt(job, which);
}

/** What the queries of all readers find in eight columns. */
function readBlock(job: LinearJob, state: i32, block: usize, column: i32, count: i32, query: i32, rows: i32): void {
  const readers = job.heads / job.states;
  const width = min(8, job.valueWidth - column);
  const step: usize = job.outRow;
  for (let reader = 0; reader < readers; reader++) {
    const out = job.out + (state * readers + reader) * job.outHead + query * job.outRow + (column << 2);
    for (let first = 0; first < rows; first += 8) {
      const depth = padded(job.width) + min(first + 8, count);
      const target = out + <usize>first * step;
      const tall = min(8, rows - first);
      const panel = panelAt(job, reader, first);
      if (width === 8 && tall === 8) {
        tiles(panel, 32, 16, 2, block, depth, target, step, step << 2, 0);
        continue;
      }
      const edge = edgeAt(job);
      tiles(panel, 32, 16, 2, block, depth, edge, 32, 128, 0);
      for (let r = 0; r < tall; r++) copyFloats(edge + ((<usize>r) << 5), width, target + <usize>r * step);
    }
  }
}

/** The state's rows of eight columns fade over the whole chunk, and take in its keys and values. */
function writeBlock(job: LinearJob, block: usize, count: i32): void {
  const values = block + (<usize>padded(job.width) << 5);
  tiles(keyRowsAt(job), rowBytes(job), 16, padded(job.width) >> 2, values, count, block, 32, 128, rowAt(job, 0));
}

/** What the queries find of the faded sum of the keys. */
function readSums(job: LinearJob, state: i32, count: i32, query: i32, rows: i32): void {
  const readers = job.heads / job.states;
  for (let reader = 0; reader < readers; reader++)
    for (let first = 0; first < rows; first += 8) {
      let low = f32x4.splat(0);
      let high = low;
      let at = panelAt(job, reader, first);
      let z = rowAt(job, 2);
      for (let d = padded(job.width); d > 0; d--) {
        const by = v128.load32_splat(z);
        low = f32x4.add(low, f32x4.mul(by, v128.load(at)));
        high = f32x4.add(high, f32x4.mul(by, v128.load(at, 16)));
        at += 32;
        z += 4;
      }
      for (let s = min(first + 8, count); s > 0; s--) {
        low = f32x4.add(low, v128.load(at));
        high = f32x4.add(high, v128.load(at, 16));
        at += 32;
      }
      const edge = edgeAt(job);
      v128.store(edge, low);
      v128.store(edge, high, 16);
      const target = job.sums + (((state * readers + reader) * job.queries + query + first) << 2);
      copyFloats(edge, min(8, rows - first), target);
    }
}
