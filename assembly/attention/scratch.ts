import { Job } from "./job";

/** Queries that go through the keys together: four panels of eight. */
export const QUERIES = 32;
/** Keys of a block; the block's scores for eight queries (8 KiB) stay in the first cache. */
export const KEYS = 256;

/** Columns of the values, padded to whole panels. */
export function padded(width: i32): usize {
  return (width + 7) & ~7;
}

function keyBytes(keys: i32, width: i32): usize {
  return (<usize>((keys + 3) & ~3) * width) << 2;
}

function valueBytes(keys: i32, valueWidth: i32): usize {
  return (<usize>keys * padded(valueWidth)) << 2;
}

/** Bytes of scratch that `attend` needs: one head's keys and values, and some of its queries. */
export function attendScratch(keys: i32, width: i32, valueWidth: i32): usize {
  return (
    keyBytes(keys, width) +
    valueBytes(keys, valueWidth) +
    ((<usize>QUERIES * width) << 2) +
    (KEYS + 4) * 32 +
    ((<usize>QUERIES * padded(valueWidth)) << 2) +
    3 * QUERIES * 4
  );
}

/** Keys of a head, four side by side. */
export function keysAt(job: Job): usize {
  return job.scratch;
}

/** Values of a head, in panels of eight columns. */
export function valuesAt(job: Job): usize {
  return job.scratch + keyBytes(job.keys, job.width);
}

/** Scaled queries, in panels of eight. */
export function queriesAt(job: Job): usize {
  return valuesAt(job) + valueBytes(job.keys, job.valueWidth);
}

/** Scores of eight queries, then their probabilities: eight floats a key. */
export function scoresAt(job: Job): usize {
  return queriesAt(job) + ((<usize>QUERIES * job.width) << 2);
}

/** For each query the sum of values so far. */
export function sumsAt(job: Job): usize {
  return scoresAt(job) + (KEYS + 4) * 32;
}

/** For each query the largest score so far. */
export function topsAt(job: Job): usize {
  return sumsAt(job) + ((<usize>QUERIES * padded(job.valueWidth)) << 2);
}

/** For each query the sum of probabilities so far, relative to its largest score. */
export function totalsAt(job: Job): usize {
  return topsAt(job) + QUERIES * 4;
}

/** For each query what the last block has multiplied its sums by. */
export function factorsAt(job: Job): usize {
  return totalsAt(job) + QUERIES * 4;
}
