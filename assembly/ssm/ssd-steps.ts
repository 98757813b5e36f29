import { madd, softplus } from "../lanes";
import { decayOf, flush, read, write } from "./some";
import { SsdJob } from "./ssd-job";

/** State-space duality token by token, on the states as they are given: what is cheapest for a few tokens. */
export function steps(job: SsdJob): void {
  const shared = job.heads / job.groups;
  const bytes = (<usize>(job.width * job.states)) << 2;
  let before = job.state;
  if (!before) {
    memory.fill(job.last, 0, <usize>job.heads * bytes);
    before = job.last;
  }
  for (let token = 0; token < job.tokens; token++) {
    for (let head = 0; head < job.heads; head++) {
      const offset = <usize>head * bytes;
      step(job, token, head, head / shared, before + offset, job.last + offset);
    }
    before = job.last;
  }
}

/** One token of one head: from the state at `before` to that at `after`, which may be the same. */
function step(job: SsdJob, token: i32, head: i32, group: i32, before: usize, after: usize): void {
  const states = job.states;
  const row = (<usize>states) << 2;
  const whole = row & ~15;
  const rest = states & 3;
  const place = token * job.heads + head;
  let delta = load<f32>(job.delta + ((<usize>place) << 2));
  if (job.bias) delta += load<f32>(job.bias + (head << 2));
  if (job.softplus) delta = f32x4.extract_lane(softplus(f32x4.splat(delta)), 0);
  const decay = decayOf(f32x4.splat(delta * load<f32>(job.a + (head << 2))));
  const skip: f32 = job.d ? load<f32>(job.d + (head << 2)) : 0;
  const b = job.b + ((<usize>((token * job.groups + group) * states)) << 2);
  const c = job.c + ((<usize>((token * job.groups + group) * states)) << 2);
  let u = job.u + ((<usize>(place * job.width)) << 2);
  let out = job.out + ((<usize>(place * job.width)) << 2);
  for (let e = 0; e < job.width; e++) {
    const value = load<f32>(u);
    const written = f32x4.splat(delta * value);
    let sum = f32x4.splat(0);
    let n: usize = 0;
    for (; n < whole; n += 16) {
      const s = flush(madd(decay, v128.load(before + n), f32x4.mul(written, v128.load(b + n))));
      v128.store(after + n, s);
      sum = madd(s, v128.load(c + n), sum);
    }
    if (rest) {
      const s = flush(madd(decay, read(before + n, rest), f32x4.mul(written, read(b + n, rest))));
      write(after + n, s, rest);
      sum = madd(s, read(c + n, rest), sum);
    }
    const pairs = f32x4.add(sum, v128.shuffle<f32>(sum, sum, 2, 3, 0, 1));
    store<f32>(out, f32x4.extract_lane(pairs, 0) + f32x4.extract_lane(pairs, 1) + skip * value);
    u += 4;
    out += 4;
    before += row;
    after += row;
  }
}
