import { Job } from "./job";

/** The first key that a query may see. */
export function firstKey(job: Job, query: i32): i32 {
  return max(0, query + job.offset - job.left);
}

/** One beyond the last key that a query may see. */
export function endKey(job: Job, query: i32): i32 {
  return min(job.keys, query + job.offset + job.right + 1);
}

/** Whether the mask lets any of the queries see any of the keys. */
export function anySeen(job: Job, head: i32, query: i32, rows: i32, from: i32, to: i32): bool {
  const step: usize = job.maskKey;
  for (let row = 0; row < rows; row++) {
    const base: usize = job.mask + <usize>head * job.maskHead + <usize>(query + row) * job.maskRow;
    const end = base + <usize>to * step;
    if (!step) {
      if (load<u8>(base)) return true;
    } else for (let at = base + <usize>from * step; at < end; at += step) if (load<u8>(at)) return true;
    if (!job.maskRow) return false;
  }
  return false;
}
