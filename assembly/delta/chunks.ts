import { clear, copyFloats, fill, panelOfColumns } from "../pack";
import { tiles } from "../tiles";
import { closeChannels, openChannels, scoreChannels } from "./channels";
import { Job } from "./job";
import { closeNumber, openNumber, scoreNumber } from "./number";
import { queryPanel, readerPanel } from "./rows";
import {
  betasAt,
  deep,
  fadesAt,
  keysAt,
  kinds,
  onesAt,
  panelsAt,
  queriesAt,
  readAt,
  readersAt,
  rows,
  wide,
} from "./scratch";
import { solve, within } from "./solve";

export { deltaScratch } from "./scratch";

/**
 * The delta rule a chunk at a time, in panels of eight writes. The state at the start of the chunk and what the chunk's
 * earlier writes have written stand one below the other, so that each reads as more rows of the same product; within a
 * panel the triangular system is solved by substitution.
 */
export function delta(job: Job): void {
  const shared = job.heads / job.keyHeads;
  const all = job.tokens * job.writes;
  fill(onesAt(job), 32, 1);
  for (let head = 0; head < job.heads; head++) {
    takeState(job, head);
    for (let write = 0; write < all; write += job.chunk)
      chunk(job, head, head / shared, write, min(job.chunk, all - write));
    giveState(job, head);
  }
}

function chunk(job: Job, head: i32, keyHead: i32, write: i32, count: i32): void {
  if (job.gateWide) openChannels(job);
  else openNumber(job);
  let panel = 0;
  for (let from = 0; from < count; from += 8) {
    solvePanel(job, head, keyHead, write + from, min(8, count - from), panel);
    panel++;
  }
  if (job.gateWide) closeChannels(job, keyHead, write, count);
  else closeNumber(job, keyHead, write, count);
  const depth = deep(job);
  const apart = rows(job) << 5;
  let state = panelsAt(job);
  for (let e: usize = 0; e < wide(job); e += 8) {
    tiles(
      keysAt(job),
      depth << 2,
      16,
      <i32>(depth >> 2),
      state + (depth << 5),
      (<i32>kinds(job) * panel) << 3,
      state,
      32,
      128,
      fadesAt(job),
    );
    state += apart;
  }
}

/** Eight writes: their scores, what they read and write, and what the queries read. */
function solvePanel(job: Job, head: i32, keyHead: i32, write: i32, count: i32, panel: i32): void {
  const readers = readersAt(job);
  const queries = queriesAt(job);
  if (job.p || !job.gateWide)
    readerPanel(job, (job.p ? job.p : job.k) + keyHead * job.kHead, write, count, readers);
  queryPanel(job, keyHead, write, count, queries);
  if (job.gateWide) scoreChannels(job, head, keyHead, write, count, panel);
  else scoreNumber(job, head, keyHead, write, count, panel);
  takeBetas(job, head, write, count);
  const depth = deep(job) + ((kinds(job) * panel) << 3);
  const block = depth << 5;
  const apart = rows(job) << 5;
  const betas = betasAt(job);
  const betaStep = job.betaWide ? wide(job) << 2 : 0;
  const read = readAt(job);
  const own = block + (job.addK ? 256 : 0);
  let rowsAbove = panelsAt(job);
  for (let e = 0; e < job.valueWidth; e += 8) {
    const columns = job.valueWidth - e;
    const added = rowsAbove + block;
    const solved = rowsAbove + own;
    if (job.v) valuePanel(job, job.v + head * job.vHead + (e << 2), write, columns, count, solved);
    tiles(readers, 32, 16, 2, rowsAbove, <i32>depth, solved, 32, 128, job.v ? onesAt(job) : 0);
    tiles(queries, 32, 16, 2, rowsAbove, <i32>depth, read, 32, 128, 0);
    if (job.addK) {
      valuePanel(job, job.addV + head * job.vHead + (e << 2), write, columns, count, added);
      for (let half: usize = 0; half < 32; half += 16) {
        within(readers + block, added + half, false, solved + half);
        within(queries + block, added + half, true, read + half);
      }
    }
    for (let half: usize = 0; half < 32; half += 16) {
      solve(readers + own, solved + half, betaStep ? betas + (e << 2) + half : betas, betaStep);
      within(queries + own, solved + half, true, read + half);
    }
    giveRead(job, head, write, count, e, read);
    rowsAbove += apart;
  }
}

/** Eight columns of the values of eight writes; zeros beyond. */
function valuePanel(job: Job, source: usize, write: i32, columns: i32, count: i32, target: usize): void {
  panelOfColumns(source + write * job.vRow, job.vRow, columns, count, target);
  clear(target + ((<usize>count) << 5), (<usize>(8 - count)) << 5);
}

function takeBetas(job: Job, head: i32, write: i32, count: i32): void {
  const betas = betasAt(job);
  let source: usize = job.beta + head * job.betaHead + write * job.betaRow;
  if (job.betaWide) {
    clear(betas, wide(job) << 5);
    for (let i = 0; i < count; i++) {
      copyFloats(source, job.valueWidth, betas + <usize>i * (wide(job) << 2));
      source += job.betaRow;
    }
  } else
    for (let i = 0; i < 8; i++) {
      store<f32>(betas + (i << 2), i < count ? (job.beta ? load<f32>(source) : 1) : 0);
      source += job.betaRow;
    }
}

/** Eight columns of what the queries read, of those writes that end a token. */
function giveRead(job: Job, head: i32, write: i32, count: i32, e: i32, read: usize): void {
  const columns = min(job.valueWidth - e, 8);
  let row: usize = job.out + head * job.outHead + (e << 2) + (write / job.writes) * job.outRow;
  let left = job.writes - (write % job.writes);
  const end = read + ((<usize>count) << 5);
  for (; read < end; read += 32) {
    if (--left) continue;
    if (columns === 8) {
      v128.store(row, v128.load(read));
      v128.store(row, v128.load(read, 16), 16);
    } else copyFloats(read, columns, row);
    row += job.outRow;
    left = job.writes;
  }
}

function takeState(job: Job, head: i32): void {
  const row = (<usize>job.valueWidth) << 2;
  const apart = rows(job) << 5;
  let source: usize = job.state + <usize>head * job.width * row;
  let target = panelsAt(job);
  for (let e = 0; e < job.valueWidth; e += 8) {
    panelOfColumns(source, row, job.valueWidth - e, job.width, target);
    clear(target + ((<usize>job.width) << 5), (deep(job) - job.width) << 5);
    source += 32;
    target += apart;
  }
}

function giveState(job: Job, head: i32): void {
  const row = (<usize>job.valueWidth) << 2;
  const apart = rows(job) << 5;
  let target: usize = job.state + <usize>head * job.width * row;
  let source = panelsAt(job);
  for (let e = 0; e < job.valueWidth; e += 8) {
    for (let d = 0; d < job.width; d++)
      copyFloats(source + ((<usize>d) << 5), min(job.valueWidth - e, 8), target + <usize>d * row);
    target += 32;
    source += apart;
  }
}
