import { exp } from "../lanes";
import { Job } from "./job";

/** Zero for what is below 2^−100, so that no product with it is a slow denormal. NaN stays. */
@inline
export function settled(x: v128): v128 {
  return v128.andnot(x, f32x4.lt(f32x4.abs(x), f32x4.splat(7.8886090522101181e-31)));
}

/** Decays from four gates; `exp` settles by itself. */
@inline
function decay(gates: v128, logs: i32): v128 {
  return logs ? exp(f32x4.min(gates, f32x4.splat(88))) : settled(gates);
}

/** A write's decay, one number. */
@inline
export function decayOf(job: Job, head: i32, write: i32): f32 {
  const token = write / job.writes;
  if (!job.gate || token * job.writes !== write) return 1;
  const at: usize = job.gate + head * job.gateHead + token * job.gateRow;
  return f32x4.extract_lane(decay(v128.load32_splat(at), job.logs), 0);
}

/** A write's decays, one for each row of the state, to `target`; 1 for the `deep` − width rows that are padding. */
export function decayRow(job: Job, head: i32, write: i32, target: usize): void {
  const end = target + ((<usize>((job.width + 3) & ~3)) << 2);
  const whole = target + ((<usize>(job.width & ~3)) << 2);
  if (write % job.writes) {
    for (; target < end; target += 16) v128.store(target, f32x4.splat(1));
    return;
  }
  let at: usize = job.gate + head * job.gateHead + (write / job.writes) * job.gateRow;
  // Two at a time share the constants of the exponential.
  if (job.logs)
    for (; target + 16 < whole; target += 32) {
      v128.store(target, decay(v128.load(at), 1));
      v128.store(target, decay(v128.load(at, 16), 1), 16);
      at += 32;
    }
  for (; target < whole; target += 16) {
    v128.store(target, decay(v128.load(at), job.logs));
    at += 16;
  }
  for (let left = job.width & 3; target < end; target += 4) {
    store<f32>(target, left > 0 ? f32x4.extract_lane(decay(v128.load32_splat(at), job.logs), 0) : 1);
    at += 4;
    left--;
  }
}
