import { AxisJob } from "./axis-job";
import { Plan } from "./plan";
import { transform } from "./transform";

/** Discrete Fourier transforms along one axis of a tensor, four at a time; results may take the place of the inputs. */
export function fourier(job: AxisJob): void {
  const plan = changetype<Plan>(job.plan);
  const other = job.scratch + ((<usize>plan.length) << 5);
  for (let i = 0; i < job.outerCount; i++)
    for (let j = 0; j < job.innerCount; j += 4) {
      const offset = <usize>i * job.outer + <usize>j * job.inner;
      const count = min(4, job.innerCount - j);
      gather(job, plan.length, offset, count);
      const result = transform(plan, job.scratch, other, job.inverse !== 0);
      scatter(job.outRe + offset, result, job, plan.length, count);
      if (job.outIm) scatter(job.outIm + offset, result + 16, job, plan.length, count);
    }
}

function gather(job: AxisJob, length: i32, offset: usize, count: i32): void {
  const zero = f32x4.splat(0);
  let re = job.re + offset;
  let im = job.im ? job.im + offset : 0;
  let target = job.scratch;
  const whole = count === 4 && job.inner === 4;
  for (let p = 0; p < length; p++) {
    if (whole) {
      v128.store(target, v128.load(re));
      v128.store(target, im ? v128.load(im) : zero, 16);
    } else {
      v128.store(target, zero);
      v128.store(target, zero, 16);
      for (let lane = 0; lane < count; lane++) {
        store<f32>(target + (lane << 2), load<f32>(re + lane * job.inner));
        if (im) store<f32>(target + (lane << 2), load<f32>(im + lane * job.inner), 16);
      }
    }
    re += job.point;
    if (im) im += job.point;
    target += 32;
  }
}

function scatter(target: usize, source: usize, job: AxisJob, length: i32, count: i32): void {
  const factor = f32x4.splat(job.factor);
  const whole = count === 4 && job.inner === 4;
  for (let p = 0; p < length; p++) {
    const x = f32x4.mul(v128.load(source), factor);
    if (whole) v128.store(target, x);
    else {
      v128.store(source, x);
      for (let lane = 0; lane < count; lane++)
        store<f32>(target + lane * job.inner, load<f32>(source + (lane << 2)));
    }
    source += 32;
    target += job.point;
  }
}
