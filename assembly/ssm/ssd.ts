import { madd, softplus } from "../lanes";
import { clear, copyFloats, fill, interleave, panelOfRows } from "../pack";
import { tiles } from "../tiles";
import { deal } from "./deal";
import { decayOf, flush, read, write } from "./some";
import { SsdJob } from "./ssd-job";
import {
  CHUNK,
  decaysAt,
  leftAt,
  padded,
  readersAt,
  resultsAt,
  rowsAt,
  scoresAt,
  sinceAt,
  stateAt,
  stepsAt,
  totalAt,
  untilAt,
  weightsAt,
  wide,
  writersAt,
  writtenAt,
} from "./ssd-scratch";
import { steps } from "./ssd-steps";

export { ssdScratch } from "./ssd-scratch";

/** Below so many tokens they are taken one by one: a chunk first has to bring its state into another order. */
const FEW = 8;

/**
 * State-space duality: S = exp(Δ a) S + Δ u bᵀ, out = S c + d u, for each head, S of width × states; Δ = delta + bias or
 * its softplus. Groups of neighbouring heads share b and c.
 *
 * Within a chunk out[t] = Σ_{s ≤ t} (c[t] · b[s]) Π_{s < r ≤ t} exp(Δ[r] a) Δ[s] u[s] + Π_{r ≤ t} exp(Δ[r] a) S c[t]. Decays
 * are multiplied up from one token to the next and never divided, so that none overflows and one of 0 does no harm.
 */
export function ssd(job: SsdJob): void {
  if (job.tokens > 0 && job.tokens < FEW) {
    steps(job);
    return;
  }
  open(job);
  const shared = job.heads / job.groups;
  for (let token = 0; token < job.tokens; token += CHUNK) {
    const rows = min(CHUNK, job.tokens - token);
    for (let group = 0; group < job.groups; group++) {
      relate(job, group, token, rows);
      for (let head = group * shared; head < (group + 1) * shared; head++) mix(job, head, token, rows);
    }
  }
  close(job);
}

/** The states into panels: from rows of states to rows of features. */
function open(job: SsdJob): void {
  const row = (<usize>job.states) << 2;
  const panel = padded(job.states) << 5;
  for (let head = 0; head < job.heads; head++) {
    let target = stateAt(job, head);
    for (let e = 0; e < job.width; e += 8) {
      clear(target, panel);
      const source = job.state + <usize>(head * job.width + e) * row;
      if (job.state) panelOfRows(source, row, job.width - e, job.states, target);
      target += panel;
    }
  }
}

/** And back. */
function close(job: SsdJob): void {
  const row = (<usize>job.states) << 2;
  const panel = padded(job.states) << 5;
  for (let head = 0; head < job.heads; head++)
    for (let e = 0; e < job.width; e += 4) {
      const source = stateAt(job, head) + <usize>(e >> 3) * panel + ((e & 4) << 2);
      deal(source, 32, job.states, job.last + <usize>(head * job.width + e) * row, row, job.width - e);
    }
}

/** b and c of a group in the order of the products, and c[t] · b[s] for all s of the chunk up to t. */
function relate(job: SsdJob, group: i32, token: i32, rows: i32): void {
  const stride = (<usize>(job.groups * job.states)) << 2;
  const offset = <usize>token * stride + ((<usize>(group * job.states)) << 2);
  const four = (<usize>job.states) << 4;
  const row = padded(job.states) << 2;
  for (let s = 0; s < rows; s++) {
    const target = rowsAt(job) + <usize>s * row;
    v128.store(target + row - 16, f32x4.splat(0));
    copyFloats(job.b + offset + <usize>s * stride, job.states, target);
  }
  for (let s = 0; s < rows; s += 4)
    interleave(
      job.b + offset + <usize>s * stride,
      stride,
      rows - s,
      job.states,
      writersAt(job) + <usize>(s >> 2) * four,
      16,
    );
  for (let t = 0; t < rows; t += 8) {
    const panel = readersAt(job) + <usize>(t >> 3) * (four << 1);
    panelOfRows(job.c + offset + <usize>t * stride, stride, rows - t, job.states, panel);
    const scores = scoresAt(job) + <usize>(t >> 3) * (CHUNK << 5);
    tiles(writersAt(job), 16, four, min(t + 8, (rows + 3) & ~3) >> 2, panel, job.states, scores, 32, 128, 0);
  }
}

/** One head of its group over the chunk. */
function mix(job: SsdJob, head: i32, token: i32, rows: i32): void {
  fade(job, head, token, rows);
  values(job, head, token, rows);
  const state = stateAt(job, head);
  const depth = job.states;
  const bytes = wide(job.width) << 2;
  const panel = padded(depth) << 5;
  for (let t = 0; t < rows; t += 8) {
    const last = min(t + 8, rows);
    const first = weigh(job, t, last);
    const readers = readersAt(job) + <usize>(t >> 3) * ((<usize>depth) << 5);
    const weights = weightsAt(job) + ((<usize>first) << 5);
    const factors = sinceAt(job) + ((<usize>t) << 2);
    let from = state;
    let written = writtenAt(job) + ((<usize>first) << 5);
    let target = resultsAt(job) + <usize>t * bytes;
    for (let at: usize = 0; at < bytes; at += 32) {
      tiles(readers, 32, 16, 2, from, depth, target + at, bytes, bytes << 2, 0);
      tiles(weights, 32, 16, 2, written, last - first, target + at, bytes, bytes << 2, factors);
      from += panel;
      written += CHUNK << 5;
    }
  }
  const row = padded(depth) << 2;
  for (let at: usize = 0; at < bytes; at += 32) {
    const left = leftAt(job) + at * CHUNK;
    tiles(rowsAt(job), row, 16, <i32>(row >> 4), left, rows, state + (at >> 5) * panel, 32, 128, totalAt(job));
  }
  finish(job, head, token, rows);
}

/** The steps and decays of a head. */
function fade(job: SsdJob, head: i32, token: i32, rows: i32): void {
  const delta = stepsAt(job);
  const decays = decaysAt(job);
  const stride = (<usize>job.heads) << 2;
  const source = job.delta + <usize>token * stride + (head << 2);
  clear(delta, CHUNK * 4);
  for (let t = 0; t < rows; t++) store<f32>(delta + (t << 2), load<f32>(source + <usize>t * stride));
  const bias = f32x4.splat(job.bias ? load<f32>(job.bias + (head << 2)) : 0);
  const rate = f32x4.splat(load<f32>(job.a + (head << 2)));
  for (let at: usize = 0; at < <usize>rows << 2; at += 16) {
    let step = f32x4.add(v128.load(delta + at), bias);
    if (job.softplus) step = softplus(step);
    v128.store(delta + at, step);
    v128.store(decays + at, decayOf(f32x4.mul(step, rate)));
  }
  let product: f64 = 1;
  for (let t = 0; t < rows; t++) {
    product = faded(product, decays + (t << 2));
    store<f32>(sinceAt(job) + (t << 2), <f32>product);
  }
  fill(totalAt(job), padded(job.states) << 2, <f32>product);
  product = 1;
  for (let t = rows - 1; t >= 0; t--) {
    store<f32>(untilAt(job) + (t << 2), <f32>product);
    product = faded(product, decays + (t << 2));
  }
}

/** A product with one more decay; 0 below 2^−126, where a float is a slow denormal. */
@inline
function faded(product: f64, decay: usize): f64 {
  const next = product * <f64>load<f32>(decay);
  return next < 1.1754943508222875e-38 ? 0 : next;
}

/** Δ u in panels, and what is left of it after the chunk. */
function values(job: SsdJob, head: i32, token: i32, rows: i32): void {
  const stride = (<usize>(job.heads * job.width)) << 2;
  const source = job.u + <usize>token * stride + ((<usize>(head * job.width)) << 2);
  const panel: usize = CHUNK << 5;
  for (let t = 0; t < rows; t++) {
    const at: usize = t << 2;
    const step = v128.load32_splat(stepsAt(job) + at);
    const until = v128.load32_splat(untilAt(job) + at);
    let from = source + <usize>t * stride;
    let written = writtenAt(job) + ((<usize>t) << 5);
    let left = leftAt(job) + ((<usize>t) << 5);
    for (let e = 0; e < job.width; e += 8) {
      const low = f32x4.mul(step, read(from, job.width - e));
      const high = e + 4 < job.width ? f32x4.mul(step, read(from + 16, job.width - e - 4)) : f32x4.splat(0);
      v128.store(written, low);
      v128.store(written, high, 16);
      v128.store(left, f32x4.mul(until, low));
      v128.store(left, f32x4.mul(until, high), 16);
      from += 32;
      written += panel;
      left += panel;
    }
  }
}

/**
 * The scores of the eight tokens from `from` on times the decays, for the tokens before `end`. Returns the first of these
 * whose decays are not all 0.
 */
function weigh(job: SsdJob, from: i32, end: i32): i32 {
  const scores = scoresAt(job) + <usize>(from >> 3) * (CHUNK << 5);
  const weights = weightsAt(job);
  const decays = decaysAt(job);
  let low = f32x4.splat(0);
  let high = low;
  for (let s = end - 1; s >= from; s--) {
    const own = i32x4.splat(s - from);
    const one = f32x4.splat(1);
    low = v128.bitselect(one, low, i32x4.eq(own, i32x4(0, 1, 2, 3)));
    high = v128.bitselect(one, high, i32x4.eq(own, i32x4(4, 5, 6, 7)));
    const at = (<usize>s) << 5;
    v128.store(weights + at, f32x4.mul(low, v128.load(scores + at)));
    v128.store(weights + at, f32x4.mul(high, v128.load(scores + at, 16)), 16);
    const decay = v128.load32_splat(decays + (s << 2));
    low = f32x4.mul(low, decay);
    high = f32x4.mul(high, decay);
  }
  for (let block = from - 8; block >= 0; block -= 8) {
    low = flush(low);
    high = flush(high);
    if (!v128.any_true(v128.or(low, high))) return block + 8;
    for (let s = block + 7; s >= block; s--) {
      const at = (<usize>s) << 5;
      v128.store(weights + at, f32x4.mul(low, v128.load(scores + at)));
      v128.store(weights + at, f32x4.mul(high, v128.load(scores + at, 16)), 16);
      const decay = v128.load32_splat(decays + (s << 2));
      low = f32x4.mul(low, decay);
      high = f32x4.mul(high, decay);
    }
  }
  return 0;
}

/** The results to their place, with what goes straight through. */
function finish(job: SsdJob, head: i32, token: i32, rows: i32): void {
  const stride = (<usize>(job.heads * job.width)) << 2;
  const offset = <usize>token * stride + ((<usize>(head * job.width)) << 2);
  const bytes = wide(job.width) << 2;
  const skip = f32x4.splat(job.d ? load<f32>(job.d + (head << 2)) : 0);
  for (let t = 0; t < rows; t++) {
    const results = resultsAt(job) + <usize>t * bytes;
    const place = offset + <usize>t * stride;
    for (let e = 0; e < job.width; e += 4) {
      const at = (<usize>e) << 2;
      const count = job.width - e;
      write(job.out + place + at, madd(skip, read(job.u + place + at, count), v128.load(results + at)), count);
    }
  }
}
