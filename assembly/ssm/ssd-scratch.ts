import { SsdJob } from "./ssd-job";

/** Tokens of a chunk. Within one the sums over tokens are products of matrices; from one to the next goes the state. */
export const CHUNK = 64;

/** Features in whole panels. */
@inline
export function wide(width: i32): usize {
  return (width + 7) & ~7;
}

/** States in whole groups of four. */
@inline
export function padded(states: i32): usize {
  return (states + 3) & ~3;
}

function stateBytes(width: i32, states: i32): usize {
  return (wide(width) * padded(states)) << 2;
}

function keyBytes(states: i32): usize {
  return (<usize>CHUNK * padded(states)) << 2;
}

function valueBytes(width: i32): usize {
  return (<usize>CHUNK * wide(width)) << 2;
}

/** Bytes of scratch that `ssd` needs. */
export function ssdScratch(heads: i32, width: i32, states: i32): usize {
  return (
    <usize>heads * stateBytes(width, states) +
    3 * keyBytes(states) +
    3 * valueBytes(width) +
    CHUNK * CHUNK * 4 +
    CHUNK * 32 +
    CHUNK * 16 +
    (padded(states) << 2)
  );
}

/** The state of a head: for each eight features a panel, in which a row belongs to a state. */
export function stateAt(job: SsdJob, head: i32): usize {
  return job.scratch + <usize>head * stateBytes(job.width, job.states);
}

/** B of a group, four tokens side by side. */
export function writersAt(job: SsdJob): usize {
  return stateAt(job, job.heads);
}

/** C of a group, eight tokens side by side. */
export function readersAt(job: SsdJob): usize {
  return writersAt(job) + keyBytes(job.states);
}

/** B of a group, token by token. */
export function rowsAt(job: SsdJob): usize {
  return readersAt(job) + keyBytes(job.states);
}

/** Δ u of a head, in panels of eight features. */
export function writtenAt(job: SsdJob): usize {
  return rowsAt(job) + keyBytes(job.states);
}

/** The same, times what is left of it after the chunk. */
export function leftAt(job: SsdJob): usize {
  return writtenAt(job) + valueBytes(job.width);
}

/** The results of a head, token by token. */
export function resultsAt(job: SsdJob): usize {
  return leftAt(job) + valueBytes(job.width);
}

/** C · B of a group: for each eight tokens, eight floats for every token. */
export function scoresAt(job: SsdJob): usize {
  return resultsAt(job) + valueBytes(job.width);
}

/** The scores of eight tokens times the decay from one token to the other. */
export function weightsAt(job: SsdJob): usize {
  return scoresAt(job) + CHUNK * CHUNK * 4;
}

/** For each token of a head its step Δ. */
export function stepsAt(job: SsdJob): usize {
  return weightsAt(job) + CHUNK * 32;
}

/** What is left after the token of what was before it. */
export function decaysAt(job: SsdJob): usize {
  return stepsAt(job) + CHUNK * 4;
}

/** What is left after the token of what was before the chunk. */
export function sinceAt(job: SsdJob): usize {
  return decaysAt(job) + CHUNK * 4;
}

/** What is left of the token after the chunk. */
export function untilAt(job: SsdJob): usize {
  return sinceAt(job) + CHUNK * 4;
}

/** For each state what is left of it after the chunk. */
export function totalAt(job: SsdJob): usize {
  return untilAt(job) + CHUNK * 4;
}
