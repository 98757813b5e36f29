import { Job } from "./job";

/** Keys of a block. */
export const KEYS = 256;
/** Bytes of one query's scores of a block, and of the scales of one key head. */
export const SCORES: usize = (KEYS + 8) * 4;

/** Bytes of a row of floats, padded to whole pairs of vectors. */
export function rowBytes(width: i32): usize {
  return (<usize>((width + 7) & ~7)) << 2;
}

/** Bytes of scratch that `decode` needs; it stays in the second cache. */
export function decodeScratch(rows: i32, together: i32, width: i32, valueWidth: i32): usize {
  return (
    <usize>rows * (rowBytes(width) + SCORES + rowBytes(valueWidth) + 8) +
    <usize>together * (4 * SCORES + 2 * rowBytes(width) + 6 * rowBytes(valueWidth) + 32) +
    4 * rowBytes(max(width, valueWidth)) +
    SCORES
  );
}

/** Queries that share a key head: their rows are neighbours. */
export function rowsOfHead(job: Job): i32 {
  return (job.heads / job.keyHeads) * job.queries;
}

function rows(job: Job): usize {
  return <usize>job.together * rowsOfHead(job);
}

/** Queries, zeros beyond their width. */
export function queriesAt(job: Job): usize {
  return job.scratch;
}

/** Scores of one block, then probabilities: a row for each query. */
export function scoresAt(job: Job): usize {
  return queriesAt(job) + rows(job) * rowBytes(job.width);
}

/** For each query the sum of values so far. */
export function sumsAt(job: Job): usize {
  return scoresAt(job) + rows(job) * SCORES;
}

/** Scales of the keys of one block: a row for each key head. */
export function keyScalesAt(job: Job): usize {
  return sumsAt(job) + rows(job) * rowBytes(job.valueWidth);
}

/** Scales of the values of one block. */
export function valueScalesAt(job: Job): usize {
  return keyScalesAt(job) + <usize>job.together * SCORES;
}

/** Four keys or values as floats. */
export function wideAt(job: Job): usize {
  return valueScalesAt(job) + <usize>job.together * SCORES;
}

/** For each query the largest score so far. */
export function topsAt(job: Job): usize {
  return wideAt(job) + 4 * rowBytes(max(job.width, job.valueWidth));
}

/** For each query the sum of probabilities so far, relative to its largest score. */
export function totalsAt(job: Job): usize {
  return topsAt(job) + (rows(job) << 2);
}

/** For each key head its one query in integer parts: the high ones, then the low ones. */
export function queryPartsAt(job: Job): usize {
  return totalsAt(job) + (rows(job) << 2);
}

/** For each key head the unit of those. */
export function queryUnitsAt(job: Job): usize {
  return queryPartsAt(job) + <usize>job.together * rowBytes(job.width);
}

/** For each key head its one query in digits. */
export function queryDigitsAt(job: Job): usize {
  return queryUnitsAt(job) + ((<usize>job.together) << 4);
}

/** For each key head the probabilities of a block in integer parts: the high ones, then the low ones, with room for four more. */
export function partsAt(job: Job): usize {
  return queryDigitsAt(job) + <usize>job.together * rowBytes(job.width);
}

/** For each key head the unit of those. */
export function unitsAt(job: Job): usize {
  return partsAt(job) + <usize>job.together * SCORES;
}

/** For each key head the probabilities of a block in digits. */
export function digitsAt(job: Job): usize {
  return unitsAt(job) + ((<usize>job.together) << 4);
}

/** For each key head the sums of values of a block: two rows of those in integer parts, four of those in digits. */
export function integersAt(job: Job): usize {
  return digitsAt(job) + <usize>job.together * SCORES;
}

/** Parts of one head in the order of digits. */
export function turnedAt(job: Job): usize {
  return integersAt(job) + 6 * <usize>job.together * rowBytes(job.valueWidth);
}
