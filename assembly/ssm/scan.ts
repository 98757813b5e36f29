import { madd, silu, softplus } from "../lanes";
import { clear, interleave } from "../pack";
import { deal } from "./deal";
import { ScanJob } from "./scan-job";
import { flush, read, write } from "./some";

/** Tokens that all channels go through before the next ones: their rows stay in the first cache. */
const TOKENS = 64;

/** Bytes of scratch that {@link scan} and {@link regress} need: rates and states, four channels side by side. */
export function scanScratch(channels: i32, states: i32): usize {
  return (<usize>((channels + 3) & ~3) * states) << 3;
}

/**
 * Selective scan: S = exp(Δ a) S + Δ b u, out = (c · S + d u) silu(z), for each channel, with `states` numbers S and
 * Δ = delta + bias or its softplus. Four channels lie side by side in a vector, so that nothing is added up across one.
 */
export function scan(job: ScanJob): void {
  run(job, true);
}

/** The same with 1 − Δ b² for the factor on S; `a` is not read. */
export function regress(job: ScanJob): void {
  run(job, false);
}

@inline
function run(job: ScanJob, selective: bool): void {
  const states = job.states;
  const group = (<usize>states) << 4;
  const kept = ((<usize>((job.channels + 3) & ~3)) * states) << 2;
  const rates = job.scratch + kept;
  for (let channel = 0; channel < job.channels; channel += 4) {
    const offset = (<usize>(channel * states)) << 2;
    const target = job.scratch + offset;
    if (job.state) interleave(job.state + offset, states << 2, job.channels - channel, states, target, 16);
    else clear(target, group);
    if (!selective) continue;
    interleave(job.a + offset, states << 2, job.channels - channel, states, rates + offset, 16);
    // To the base of 2, which saves a product a step.
    for (let at = rates + offset; at < rates + offset + group; at += 16)
      v128.store(at, f32x4.mul(v128.load(at), f32x4.splat(1.44269504089)));
  }
  for (let token = 0; token < job.tokens; token += TOKENS) {
    const to = min(token + TOKENS, job.tokens);
    for (let channel = 0; channel < job.channels; channel += 4) {
      const offset = (<usize>(channel * states)) << 2;
      stretch(job, selective, channel, token, to, job.scratch + offset, rates + offset);
    }
  }
  for (let channel = 0; channel < job.channels; channel += 4) {
    const offset = (<usize>(channel * states)) << 2;
    deal(job.scratch + offset, 16, states, job.last + offset, states << 2, job.channels - channel);
  }
}

/** Four channels over some tokens. */
@inline
function stretch(job: ScanJob, selective: bool, channel: i32, from: i32, to: i32, state: usize, rates: usize): void {
  const count = job.channels - channel;
  const end = state + ((<usize>job.states) << 4);
  const row = (<usize>job.channels) << 2;
  const column: usize = channel << 2;
  const apart = rates - state;
  const zero = f32x4.splat(0);
  const bias = job.bias ? read(job.bias + column, count) : zero;
  const skip = job.d ? read(job.d + column, count) : zero;
  let place = <usize>from * row + column;
  let b = job.b + ((<usize>(from * job.states)) << 2);
  let c = job.c + ((<usize>(from * job.states)) << 2);
  for (let token = from; token < to; token++) {
    const u = read(job.u + place, count);
    let step = f32x4.add(read(job.delta + place, count), bias);
    if (job.softplus) step = softplus(step);
    const written = f32x4.mul(step, u);
    let y = f32x4.mul(skip, u);
    for (let at = state; at < end; at += 16) {
      const by = v128.load32_splat(b);
      const factor = selective
        ? power(f32x4.mul(step, v128.load(at + apart)))
        : f32x4.sub(f32x4.splat(1), f32x4.mul(step, f32x4.mul(by, by)));
      const s = madd(factor, v128.load(at), f32x4.mul(written, by));
      v128.store(at, s);
      y = madd(v128.load32_splat(c), s, y);
      b += 4;
      c += 4;
    }
    if (job.z) y = f32x4.mul(y, silu(read(job.z + place, count)));
    write(job.out + place, y, count);
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
