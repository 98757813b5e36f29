import { groupsBytes } from "../tile/pack";
import { Job } from "./job";

/** Queries that go through the keys together: four panels of eight. */
export const QUERIES = 32;
/** Keys of a block: whole groups of any kind; a block's scores for eight queries (8 KiB) stay in the first cache. */
export const KEYS = 240;
/** Rows that a tile may write beyond the last group it needs. */
const SPARE = 12;

/** Keys packed from the first one on: `span`, begun at a whole group. */
function packed(span: i32): i32 {
  return span + SPARE;
}

/** Bytes between the sums of one panel of queries and of the next. */
export function sumsBytes(valueWidth: i32): usize {
  return <usize>(valueWidth + SPARE) << 5;
}

function relativeBytes(queries: i32, span: i32): usize {
  return (<usize>(queries + span + 64)) << 2;
}

/**
 * Bytes of scratch that `attend` needs for `span` keys at most: one head's keys and values, some of its queries, and its
 * biases by distance if it has any.
 */
export function attendScratch(span: i32, width: i32, valueWidth: i32, queries: i32, relative: bool): usize {
  return (
    groupsBytes(packed(span), width) +
    groupsBytes(valueWidth, packed(span)) +
    ((<usize>QUERIES * width) << 2) +
    (KEYS + 2 * SPARE) * 32 +
    sumsBytes(valueWidth) * (QUERIES >> 3) +
    3 * QUERIES * 4 +
    128 +
    (relative ? relativeBytes(queries, span) : 0)
  );
}

/** Keys of a head, in groups. */
export function keysAt(job: Job): usize {
  return job.scratch;
}

/** Values of a head, their columns in groups. */
export function valuesAt(job: Job): usize {
  return job.scratch + groupsBytes(packed(job.span), job.width);
}

/** Queries, in panels of eight. */
export function queriesAt(job: Job): usize {
  return valuesAt(job) + groupsBytes(job.valueWidth, packed(job.span));
}

/** Scores of eight queries, then their probabilities: eight floats a key. */
export function scoresAt(job: Job): usize {
  return queriesAt(job) + ((<usize>QUERIES * job.width) << 2);
}

/** For each panel of eight queries the sum of values so far: eight floats a column. */
export function sumsAt(job: Job): usize {
  return scoresAt(job) + (KEYS + 2 * SPARE) * 32;
}

/** For each query the largest score so far, in powers of two. */
export function topsAt(job: Job): usize {
  return sumsAt(job) + sumsBytes(job.valueWidth) * (QUERIES >> 3);
}

/** For each query the sum of probabilities so far, relative to its largest score. */
export function totalsAt(job: Job): usize {
  return topsAt(job) + QUERIES * 4;
}

/** For each query what the last block has multiplied its sums by. */
export function factorsAt(job: Job): usize {
  return totalsAt(job) + QUERIES * 4;
}

/** Sixteen keys' bytes of the mask, eight queries a key. */
export function seenAt(job: Job): usize {
  return factorsAt(job) + QUERIES * 4;
}

/** A head's biases by the distance from query to key, from the largest a query can stand after a key down. */
export function distancesAt(job: Job): usize {
  return seenAt(job) + 128;
}
