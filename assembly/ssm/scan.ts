import { madd, silu, softplus } from "../lanes";
import { clear, panelOfRows } from "../pack";
import { deal } from "./deal";
import { ScanJob } from "./scan-job";
import { flush, read, write } from "./some";

/** Tokens that all channels go through before the next ones: their rows stay in the first cache. */
const TOKENS = 64;

/** Bytes of scratch that {@link scan} needs: states and rates, eight channels side by side. */
export function scanScratch(channels: i32, states: i32): usize {
  return (<usize>((channels + 7) & ~7) * states) << 3;
}

/**
 * Selective scan: S = exp(Δ a) S + Δ b u, out = (c · S + d u) silu(z), for each channel, with `states` numbers S and
 * Δ = delta + bias or its softplus. Channels lie side by side in vectors, so that nothing is added up across one; two
 * vectors at a time share the reads of b and c.
 */
export function scan(job: ScanJob): void {
  const states = job.states;
  const row = (<usize>states) << 2;
  const group = row << 3;
  let at = job.scratch;
  for (let channel = 0; channel < job.channels; channel += 8) {
    const offset = <usize>channel * row;
    const count = job.channels - channel;
    if (job.state) panelOfRows(job.state + offset, row, count, states, at);
    else clear(at, group);
    panelOfRows(job.a + offset, row, count, states, at + group);
    // To the base of 2, which saves a product a step.
    for (let rate = at + group; rate < at + 2 * group; rate += 16)
      v128.store(rate, f32x4.mul(v128.load(rate), f32x4.splat(1.44269504089)));
    at += 2 * group;
  }
  for (let token = 0; token < job.tokens; token += TOKENS) {
    at = job.scratch;
    for (let channel = 0; channel < job.channels; channel += 8) {
      stretch(job, channel, token, min(token + TOKENS, job.tokens), at, group);
      at += 2 * group;
    }
  }
  at = job.scratch;
  for (let channel = 0; channel < job.channels; channel += 8) {
    const last = job.last + <usize>channel * row;
    deal(at, 32, states, last, row, job.channels - channel);
    deal(at + 16, 32, states, last + (row << 2), row, job.channels - channel - 4);
    at += 2 * group;
  }
}

/** The second four of up to eight channels; zeros if there are none. */
@inline
function second(at: usize, count: i32): v128 {
  return count > 4 ? read(at + 16, count - 4) : f32x4.splat(0);
}

/** Δ, from what it is made of. */
@inline
function stepOf(job: ScanJob, given: v128, bias: v128): v128 {
  const step = f32x4.add(given, bias);
  return job.softplus ? softplus(step) : step;
}

/** Eight channels over some tokens; their states begin at `state`, their rates `apart` bytes after them. */
function stretch(job: ScanJob, channel: i32, from: i32, to: i32, state: usize, apart: usize): void {
  const count = job.channels - channel;
  const end = state + ((<usize>job.states) << 5);
  const row = (<usize>job.channels) << 2;
  const column: usize = channel << 2;
  const zero = f32x4.splat(0);
  const bias0 = job.bias ? read(job.bias + column, count) : zero;
  const bias1 = job.bias ? second(job.bias + column, count) : zero;
  const skip0 = job.d ? read(job.d + column, count) : zero;
  const skip1 = job.d ? second(job.d + column, count) : zero;
  let place = <usize>from * row + column;
  let b = job.b + ((<usize>(from * job.states)) << 2);
  let c = job.c + ((<usize>(from * job.states)) << 2);
  for (let token = from; token < to; token++) {
    const u0 = read(job.u + place, count);
    const u1 = second(job.u + place, count);
    const step0 = stepOf(job, read(job.delta + place, count), bias0);
    const step1 = stepOf(job, second(job.delta + place, count), bias1);
    const written0 = f32x4.mul(step0, u0);
    const written1 = f32x4.mul(step1, u1);
    let y0 = f32x4.mul(skip0, u0);
    let y1 = f32x4.mul(skip1, u1);
    for (let at = state; at < end; at += 32) {
      const by = v128.load32_splat(b);
      const reader = v128.load32_splat(c);
      const s0 = madd(power(f32x4.mul(step0, v128.load(at + apart))), v128.load(at), f32x4.mul(written0, by));
      v128.store(at, s0);
      y0 = madd(reader, s0, y0);
      const s1 = madd(power(f32x4.mul(step1, v128.load(at + apart, 16))), v128.load(at, 16), f32x4.mul(written1, by));
      v128.store(at, s1, 16);
      y1 = madd(reader, s1, y1);
      b += 4;
      c += 4;
    }
    if (job.z) {
      y0 = f32x4.mul(y0, silu(read(job.z + place, count)));
      y1 = f32x4.mul(y1, silu(second(job.z + place, count)));
    }
    write(job.out + place, y0, count);
    if (count > 4) write(job.out + place + 16, y1, count - 4);
    place += row;
  }
  for (let at = state; at < end; at += 16) v128.store(at, flush(v128.load(at)));
}

/**
 * 2^x; 0 below 2^−126, and never ∞, which would be NaN times a state of 0. NaN stays.
 *
 * x = n + f with |f| ≤ ½; 2^f is 1 + f·(degree 5), minimax in relative error (2e-9 before rounding), so that 2^0 is 1.
 */
@inline
function power(x: v128): v128 {
  const magic = f32x4.splat(12582912);
  const bounded = f32x4.pmin(x, f32x4.splat(127.99999));
  const shifted = f32x4.add(bounded, magic);
  const f = f32x4.sub(bounded, f32x4.sub(shifted, magic));
  let p = f32x4.splat(0.000153533620691);
  p = madd(p, f, f32x4.splat(0.00133988743944));
  p = madd(p, f, f32x4.splat(0.00961843735696));
  p = madd(p, f, f32x4.splat(0.0555033247119));
  p = madd(p, f, f32x4.splat(0.240226479136));
  p = madd(p, f, f32x4.splat(0.693147202852));
  p = madd(p, f, f32x4.splat(1));
  return v128.andnot(i32x4.add(p, i32x4.shl(shifted, 23)), f32x4.lt(x, f32x4.splat(-126)));
}
