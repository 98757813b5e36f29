import { madd } from "../lanes";
import { clear } from "../pack";
import { read, write } from "../ssm/some";
import { LongJob } from "./long-job";
import { Plan } from "./plan";
import { transform } from "./transform";

/**
 * Long convolution of each channel, out[t] = Σₛ g[t − s] u[s] + d u[t], by Fourier transforms of half its length.
 *
 * With n points, the real sequence x of length 2n goes in as (x[i] + i x[i + n]) ωⁱ with ω = e^(πi / 2n): products of such
 * transforms are convolutions of length 2n in which what runs over the end comes back with the other sign. Taps of the
 * other side stand there from the end on, and nothing else runs over.
 */
export function longConvolve(job: LongJob): void {
  const plan = changetype<Plan>(job.plan);
  const size = (<usize>plan.length) << 5;
  const shared = job.tapRow === 0 && job.behindRow === 0;
  const spectrum = job.scratch + 2 * size;
  for (let channel = 0; channel < job.channels; channel += 4) {
    const count = min(4, job.channels - channel);
    if (!shared || channel === 0) {
      filter(job, plan.length, channel, count);
      rotate(job.scratch, job.angles, size);
      const result = transform(plan, job.scratch, job.scratch + size, false);
      memory.copy(spectrum, result, size);
    }
    tokens(job, plan.length, channel, count);
    rotate(job.scratch, job.angles, size);
    const result = transform(plan, job.scratch, job.scratch + size, false);
    multiply(result, spectrum, size);
    const other = result === job.scratch ? job.scratch + size : job.scratch;
    finish(job, plan.length, transform(plan, result, other, true), channel, count);
  }
}

/** Where the number at a place of the sequence stands. */
@inline
function placeOf(buffer: usize, index: i32, length: i32): usize {
  return index < length ? buffer + ((<usize>index) << 5) : buffer + ((<usize>(index - length)) << 5) + 16;
}

function filter(job: LongJob, length: i32, channel: i32, count: i32): void {
  const buffer = job.scratch;
  clear(buffer, (<usize>length) << 5);
  for (let lane: i32 = 0; lane < 4; lane++) {
    const row = channel + min(lane, count - 1);
    const taps = job.taps + <usize>row * job.tapRow;
    for (let j = 0; j < job.tapCount; j++)
      store<f32>(placeOf(buffer, j, length) + (lane << 2), load<f32>(taps + ((<usize>j) << 2)));
    const behind = job.behind + <usize>row * job.behindRow;
    for (let j = 0; j < job.behindCount; j++)
      store<f32>(placeOf(buffer, 2 * length - 1 - j, length) + (lane << 2), -load<f32>(behind + ((<usize>j) << 2)));
  }
}

function tokens(job: LongJob, length: i32, channel: i32, count: i32): void {
  const row = (<usize>job.channels) << 2;
  const buffer = job.scratch;
  let u = job.u + (channel << 2);
  let target = buffer;
  for (let t = 0; t < length; t++) {
    v128.store(target, t < job.tokens ? read(u, count) : f32x4.splat(0));
    v128.store(target, t + length < job.tokens ? read(u + <usize>length * row, count) : f32x4.splat(0), 16);
    u += row;
    target += 32;
  }
}

/** Each point times its ωⁱ. */
function rotate(buffer: usize, angles: usize, size: usize): void {
  for (const end = buffer + size; buffer < end; buffer += 32) {
    const c = v128.load32_splat(angles);
    const s = v128.load32_splat(angles, 4);
    const re = v128.load(buffer);
    const im = v128.load(buffer, 16);
    v128.store(buffer, f32x4.sub(f32x4.mul(re, c), f32x4.mul(im, s)));
    v128.store(buffer, madd(re, s, f32x4.mul(im, c)), 16);
    angles += 8;
  }
}

function multiply(buffer: usize, by: usize, size: usize): void {
  for (const end = buffer + size; buffer < end; buffer += 32) {
    const c = v128.load(by);
    const s = v128.load(by, 16);
    const re = v128.load(buffer);
    const im = v128.load(buffer, 16);
    v128.store(buffer, f32x4.sub(f32x4.mul(re, c), f32x4.mul(im, s)));
    v128.store(buffer, madd(re, s, f32x4.mul(im, c)), 16);
    by += 32;
  }
}

/** The results, turned back, to their places. */
function finish(job: LongJob, length: i32, source: usize, channel: i32, count: i32): void {
  const row = (<usize>job.channels) << 2;
  const factor = f32x4.splat(1 / <f32>length);
  const skip = job.d ? read(job.d + (channel << 2), count) : f32x4.splat(0);
  let angles = job.angles;
  let place: usize = channel << 2;
  for (let t = 0; t < min(length, job.tokens); t++) {
    const c = f32x4.mul(v128.load32_splat(angles), factor);
    const s = f32x4.mul(v128.load32_splat(angles, 4), factor);
    const re = v128.load(source);
    const im = v128.load(source, 16);
    const near = madd(re, c, f32x4.mul(im, s));
    write(job.out + place, madd(skip, read(job.u + place, count), near), count);
    if (t + length < job.tokens) {
      const far = place + <usize>length * row;
      const y = f32x4.sub(f32x4.mul(im, c), f32x4.mul(re, s));
      write(job.out + far, madd(skip, read(job.u + far, count), y), count);
    }
    angles += 8;
    source += 32;
    place += row;
  }
}
