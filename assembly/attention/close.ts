/** From sums over keys to averages. */
import { exponential, ln } from "../scalars";
import { Job } from "./job";
import { sumsAt, sumsBytes, topsAt, totalsAt } from "./scratch";

const LN2: f64 = 0.6931471805599453;

/** The averages and the log-sum-exps of a panel of eight queries, of which `rows` exist; zeros where nothing was seen. */
export function close(job: Job, head: i32, query: i32, panel: i32, rows: i32): void {
  const totals = totalsAt(job) + (panel << 5);
  const tops = topsAt(job) + (panel << 5);
  const sink: f64 = job.sinks ? <f64>load<f32>(job.sinks + (head << 2)) : -Infinity;
  for (let row = 0; row < rows; row++) {
    const at = totals + (row << 2);
    const total = load<f32>(at);
    let lse: f64 = total === 0 ? -Infinity : <f64>load<f32>(tops + (row << 2)) * LN2 + ln(total);
    let divisor: f64 = total === 0 ? 1 : total;
    // A sink's share is taken at the end: as the largest score it would drive all others towards zero.
    if (sink > -Infinity) {
      if (total !== 0) divisor *= 1 + exponential(sink - lse);
      lse = max(sink, lse) + ln(1 + exponential(-abs(sink - lse)));
    }
    store<f32>(at, <f32>divisor);
    store<f32>(job.lse + head * job.lseHead + ((query + row) << 2), <f32>lse);
  }
  turn(sumsAt(job) + <usize>panel * sumsBytes(job.valueWidth), totals, job.out + head * job.outHead + query * job.outRow, job.outRow, rows, job.valueWidth);
}

/** Divides each query's sums, which lie eight side by side, and lays them out as rows. */
function turn(sums: usize, divisors: usize, target: usize, stride: usize, rows: i32, width: i32): void {
  const low = v128.load(divisors);
  const high = v128.load(divisors, 16);
  for (let column = 0; column < width; column += 4) {
    const at = target + ((<usize>column) << 2);
    const wide = min(width - column, 4);
    turnFour(sums, low, at, stride, min(rows, 4), wide);
    if (rows > 4) turnFour(sums + 16, high, at + (stride << 2), stride, rows - 4, wide);
    sums += 128;
  }
}

@inline
function turnFour(sums: usize, divisors: v128, target: usize, stride: usize, rows: i32, wide: i32): void {
  const c0 = f32x4.div(v128.load(sums), divisors);
  const c1 = f32x4.div(v128.load(sums, 32), divisors);
  const c2 = f32x4.div(v128.load(sums, 64), divisors);
  const c3 = f32x4.div(v128.load(sums, 96), divisors);
  const low01 = v128.shuffle<f32>(c0, c1, 0, 4, 1, 5);
  const low23 = v128.shuffle<f32>(c2, c3, 0, 4, 1, 5);
  const high01 = v128.shuffle<f32>(c0, c1, 2, 6, 3, 7);
  const high23 = v128.shuffle<f32>(c2, c3, 2, 6, 3, 7);
  storeSome(target, v128.shuffle<f32>(low01, low23, 0, 1, 4, 5), wide);
  if (rows > 1) storeSome(target + stride, v128.shuffle<f32>(low01, low23, 2, 3, 6, 7), wide);
  if (rows > 2) storeSome(target + (stride << 1), v128.shuffle<f32>(high01, high23, 0, 1, 4, 5), wide);
  if (rows > 3) storeSome(target + stride * 3, v128.shuffle<f32>(high01, high23, 2, 3, 6, 7), wide);
}

@inline
function storeSome(target: usize, values: v128, count: i32): void {
  if (count === 4) v128.store(target, values);
  else {
    v128.store32_lane(target, values, 0);
    if (count > 1) v128.store32_lane(target, values, 1, 4);
    if (count > 2) v128.store32_lane(target, values, 2, 8);
  }
}
