/**
 * Where a chunk is worked on. What queries read stands in one block for every eight columns of the values: the state's
 * rows, then the chunk's values. With what queries are, eight together: their channels, faded since the chunk began, then
 * their scores with the chunk's keys. So that a reading is one product of the two.
 */
import { LinearJob } from "./job";
import { padded } from "./rows";

/** Tokens of a chunk, padded to whole panels of eight. */
@inline
function tokens(job: LinearJob): usize {
  return (job.chunk + 7) & ~7;
}

/** Bytes of a row of keys. */
@inline
export function rowBytes(job: LinearJob): usize {
  return (<usize>padded(job.width)) << 2;
}

/** Bytes of a block of eight columns of what is read, and of eight queries. */
@inline
export function blockBytes(job: LinearJob): usize {
  return (<usize>padded(job.width) + tokens(job)) << 5;
}

/** Bytes of scratch that `linear` needs. */
export function linearScratch(width: i32, valueWidth: i32, chunk: i32, readers: i32): usize {
  const deep: usize = padded(width);
  const long: usize = (chunk + 7) & ~7;
  const wide: usize = (valueWidth + 7) >> 3;
  const blocks = (wide + ((<usize>readers * long) >> 3)) * ((deep + long) << 5);
  return blocks + 6 * ((long * deep) << 2) + 3 * (deep << 5) + 3 * (deep << 2) + 3 * (long << 2) + 256 + (max(deep, wide << 3) << 2);
}

/** The state's rows and the chunk's values. */
@inline
export function memoryAt(job: LinearJob): usize {
  return job.scratch;
}

/** The queries of the chunk, those of every reader of the state. */
@inline
export function queriesAt(job: LinearJob): usize {
  return memoryAt(job) + <usize>((job.valueWidth + 7) >> 3) * blockBytes(job);
}

/** Eight queries of one reader. */
@inline
export function panelAt(job: LinearJob, reader: i32, first: i32): usize {
  return queriesAt(job) + ((<usize>reader * tokens(job) + <usize>first) >> 3) * blockBytes(job);
}

/** Keys as rows, faded up to where the chunk has come. */
@inline
export function keyRowsAt(job: LinearJob): usize {
  return queriesAt(job) + (<usize>(job.heads / job.states) * (tokens(job) >> 3)) * blockBytes(job);
}

/** Bytes of the rows of a chunk. */
@inline
function rowsBytes(job: LinearJob): usize {
  return tokens(job) * rowBytes(job);
}

/** Keys in fours, as `tiles` takes them. */
@inline
export function keysAt(job: LinearJob): usize {
  return keyRowsAt(job) + rowsBytes(job);
}

/** Gates as rows. */
@inline
export function gateRowsAt(job: LinearJob): usize {
  return keysAt(job) + rowsBytes(job);
}

/** Copies of queries, keys and gates in rows of whole vectors, where the width is none. */
@inline
export function paddedAt(job: LinearJob, which: i32): usize {
  return gateRowsAt(job) + <usize>(which + 1) * rowsBytes(job);
}

/** Eight tokens' queries, keys or gates, channel by channel. */
@inline
export function eightAt(job: LinearJob, which: i32): usize {
  return paddedAt(job, 2) + <usize>which * (rowBytes(job) << 3);
}

/** A row each: by what the state fades over the chunk, over the last eight tokens; the faded sum of keys. */
@inline
export function rowAt(job: LinearJob, which: i32): usize {
  return eightAt(job, 3) + <usize>which * rowBytes(job);
}

/** A number each token: gates, the products before and after it. */
@inline
export function tokensAt(job: LinearJob, which: i32): usize {
  return rowAt(job, 3) + <usize>which * (tokens(job) << 2);
}

/** A tile of eight queries and eight columns. */
@inline
export function edgeAt(job: LinearJob): usize {
  return tokensAt(job, 3);
}

/** One token's gates, of keys or values. */
@inline
export function gateRowAt(job: LinearJob): usize {
  return edgeAt(job) + 256;
}
