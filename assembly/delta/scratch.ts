/** Where things stand in the scratch of a call, of which one head and one chunk use it at a time. */
import { Job } from "./job";

/** Rows of the state, padded to whole groups of four. */
@inline
export function deep(job: Job): usize {
  return (job.width + 3) & ~3;
}

/** Columns of the state, padded to whole panels of eight. */
@inline
export function wide(job: Job): usize {
  return (job.valueWidth + 7) & ~7;
}

/** Writes of a chunk, padded to whole panels of eight. */
@inline
export function span(job: Job): usize {
  return (job.chunk + 7) & ~7;
}

/** Kinds of writes: those that take away what they read, and before them, where there are any, those that only add. */
@inline
export function kinds(job: Job): usize {
  return job.addK ? 2 : 1;
}

/** Depth of the products: the rows of the state, then the writes of a chunk in panels of eight of each kind. */
@inline
export function rows(job: Job): usize {
  return deep(job) + kinds(job) * span(job);
}

/** What eight writes read the state at: [rows][8], state first, then their scores with the chunk's writes. */
export function readersAt(job: Job): usize {
  return job.scratch;
}

/** The same for the queries. */
export function queriesAt(job: Job): usize {
  return readersAt(job) + (rows(job) << 5);
}

/** For each panel of eight columns: the state at the start of the chunk, then what the chunk's writes write. */
export function panelsAt(job: Job): usize {
  return queriesAt(job) + (rows(job) << 5);
}

/** Keys of the chunk's writes, four side by side. */
export function groupsAt(job: Job): usize {
  return panelsAt(job) + (((wide(job) >> 3) * rows(job)) << 5);
}

/** The same keys row by row, decayed to the end of the chunk. */
export function keysAt(job: Job): usize {
  return groupsAt(job) + ((kinds(job) * span(job) * deep(job)) << 2);
}

/** Decays of the chunk's writes: eight rows a panel, one number or one for each row of the state. */
export function decaysAt(job: Job): usize {
  return keysAt(job) + ((kinds(job) * span(job) * deep(job)) << 2);
}

/** How far each write has decayed by the start of a panel, where it is one number. */
export function agesAt(job: Job): usize {
  return decaysAt(job) + ((span(job) * deep(job)) << 2);
}

/** How far each row of the state has decayed since the start of the chunk. */
export function fadesAt(job: Job): usize {
  return agesAt(job) + (span(job) << 2);
}

/** Betas of eight writes. */
export function betasAt(job: Job): usize {
  return fadesAt(job) + (deep(job) << 2);
}

/** What eight queries read, eight columns. */
export function readAt(job: Job): usize {
  return betasAt(job) + (wide(job) << 5);
}

/** Eight ones. */
export function onesAt(job: Job): usize {
  return readAt(job) + 256;
}

/** Eight rows of the width of the state. */
export function stageAt(job: Job): usize {
  return onesAt(job) + 32;
}

/** A panel of decays. */
export function decayPanelAt(job: Job): usize {
  return stageAt(job) + (deep(job) << 5);
}

/** A panel of keys for each kind of writes. */
export function keyPanelAt(job: Job): usize {
  return decayPanelAt(job) + (deep(job) << 5);
}

/** Bytes of scratch that `delta` needs. */
export function deltaScratch(job: Job): usize {
  return keyPanelAt(job) + ((kinds(job) * deep(job)) << 5) - job.scratch;
}
