/** Rows of the inputs, on their way to the order of the products. */
import { clear, interleave, panelOfRows } from "../pack";
import { Job } from "./job";
import { deep, stageAt } from "./scratch";

/** Where the keys of a kind of writes begin: the last kind takes away what it reads. */
@inline
export function keysOf(job: Job, kind: usize, kinds: usize, keyHead: i32): usize {
  return (kind + 1 === kinds ? job.k : job.addK) + keyHead * job.kHead;
}

/** Rows that stand for writes `write` to `write` + `count` as a panel of eight columns; zeros beyond. */
export function readerPanel(job: Job, source: usize, write: i32, count: i32, target: usize): void {
  panelOfRows(source + write * job.kRow, job.kRow, count, job.width, target);
  clear(target + ((<usize>job.width) << 5), (deep(job) - job.width) << 5);
}

/** The same for the queries: a token's query stands at its last write, the others have none. */
export function queryPanel(job: Job, keyHead: i32, write: i32, count: i32, target: usize): void {
  let source: usize = job.q + keyHead * job.qHead;
  let stride: usize = job.qRow;
  let present = count;
  if (job.writes === 1) source += write * job.qRow;
  else {
    const stage = stageAt(job);
    const row = deep(job) << 2;
    for (let i = 0; i < 8; i++) {
      const token = (write + i + 1) / job.writes - 1;
      const last = i < count && (write + i + 1) % job.writes === 0;
      scaledRow(source + token * job.qRow, last ? job.width : 0, 1, stage + <usize>i * row, deep(job));
    }
    source = stage;
    stride = row;
    present = 8;
  }
  panelOfRows(source, stride, present, job.width, target);
  clear(target + ((<usize>job.width) << 5), (deep(job) - job.width) << 5);
}

/** Eight keys as two groups of four side by side, `group` bytes apart. */
export function keyGroups(job: Job, source: usize, write: i32, count: i32, target: usize, group: usize): void {
  const at = source + write * job.kRow;
  const pad = (<usize>job.width) << 4;
  interleave(at, job.kRow, count, job.width, target, 16);
  clear(target + pad, group - pad);
  interleave(at + (job.kRow << 2), job.kRow, count - 4, job.width, target + group, 16);
  clear(target + group + pad, group - pad);
}

/** `width` floats times `factor`, then zeros up to `padded`. */
export function scaledRow(source: usize, width: i32, factor: f32, target: usize, padded: usize): void {
  const end = target + (padded << 2);
  const by = f32x4.splat(factor);
  let left = width;
  for (; left >= 4; left -= 4) {
    v128.store(target, f32x4.mul(v128.load(source), by));
    source += 16;
    target += 16;
  }
  for (; target < end; target += 4) {
    store<f32>(target, left > 0 ? load<f32>(source) * factor : 0);
    source += 4;
    left--;
  }
}

/** The same, each float times one of `factors`. */
export function fadedRow(source: usize, width: i32, factors: usize, target: usize, padded: usize): void {
  const end = target + (padded << 2);
  let left = width;
  for (; left >= 4; left -= 4) {
    v128.store(target, f32x4.mul(v128.load(source), v128.load(factors)));
    source += 16;
    factors += 16;
    target += 16;
  }
  for (; target < end; target += 4) {
    store<f32>(target, left > 0 ? load<f32>(source) * load<f32>(factors) : 0);
    source += 4;
    factors += 4;
    left--;
  }
}
