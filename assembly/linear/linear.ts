import { clear, copyFloats, panelOfColumns } from "../pack";
import { chunk } from "./chunk";
import { headOf, LinearJob, VALUES } from "./job";
import { addRow, dotThree, padded, padRows } from "./rows";
import { blockBytes, memoryAt, rowAt } from "./scratch";
import { readers, steps } from "./steps";

export { linearScratch } from "./scratch";

/** Fewer tokens than this go one by one: to bring the state in order and back costs as much as one token. */
const FEW = 4;

/**
 * S_t = diag(a_t) S_{t−1} + k_t v_tᵀ, out_t = scale · S_tᵀ q_t. A chunk of tokens reads the state that came before it and
 * one another, and is then written to the state at once. Every head by itself: no more than its state and one chunk are
 * in use at a time.
 */
export function linear(job: LinearJob): void {
  const given = job.offset < 0 ? min(job.queries, -job.offset) : 0;
  const direct = job.channels === VALUES || min(max(job.keys, given), job.chunk) < FEW;
  for (let state = 0; state < job.states; state++) {
    const z = job.z + ((state * job.width) << 2);
    if (job.z) padRows(z, 0, 1, job.width, rowAt(job, 2));
    if (direct) inPlace(job, state, given);
    else inChunks(job, state, given);
    if (job.z) copyFloats(rowAt(job, 2), job.width, z);
    if (job.bonus || job.divide) finish(job, state);
  }
}

function stateAt(job: LinearJob, state: i32): usize {
  return job.state + <usize>(state * job.width) * <usize>(job.valueWidth << 2);
}

function inPlace(job: LinearJob, state: i32, given: i32): void {
  const memory = stateAt(job, state);
  const row = (<usize>job.valueWidth) << 2;
  const alone = max(0, min(job.keys, job.offset));
  for (let t = 0; t < given; t++) readers(job, state, memory, 32, row, t);
  steps(job, state, memory, 32, row, 0, alone, 0, 0);
  steps(job, state, memory, 32, row, alone, job.keys - alone, given, job.queries - given);
}

function inChunks(job: LinearJob, state: i32, given: i32): void {
  const memory = stateAt(job, state);
  const size = (<usize>job.valueWidth) << 2;
  const row = (<usize>padded(job.width)) << 5;
  for (let e = 0; e < job.valueWidth; e += 8) {
    const block = memoryAt(job) + <usize>(e >> 3) * blockBytes(job);
    panelOfColumns(memory + (e << 2), size, job.valueWidth - e, job.width, block);
    clear(block + ((<usize>job.width) << 5), row - ((<usize>job.width) << 5));
  }
  // Queries that read the state as it is given, then keys that no query follows, then both side by side.
  for (let t = 0; t < given; t += job.chunk) chunk(job, state, 0, 0, t, min(job.chunk, given - t));
  const alone = max(0, min(job.keys, job.offset));
  for (let from = 0; from < alone; from += job.chunk) chunk(job, state, from, min(job.chunk, alone - from), 0, 0);
  let query = given;
  for (let from = alone; from < job.keys; from += job.chunk) {
    const count = min(job.chunk, job.keys - from);
    const rows = min(count, job.queries - query);
    chunk(job, state, from, count, query, rows);
    query += rows;
  }
  for (let e = 0; e < job.valueWidth; e += 8) {
    let source = memoryAt(job) + <usize>(e >> 3) * blockBytes(job);
    let target = memory + (e << 2);
    const columns = min(8, job.valueWidth - e);
    for (let d = 0; d < job.width; d++) {
      copyFloats(source, columns, target);
      source += 32;
      target += size;
    }
  }
}

/** The bonus of each token's own key, and the division by the sums. */
function finish(job: LinearJob, state: i32): void {
  const count = job.heads / job.states;
  for (let head = state * count; head < (state + 1) * count; head++)
    for (let t = 0; t < job.queries; t++) {
      const out = job.out + head * job.outHead + t * job.outRow;
      const sum = job.sums + ((head * job.queries + t) << 2);
      if (job.bonus) {
        const own = t + job.offset + 1;
        const q = job.q + headOf(head, job.qHeads, job.heads, job.qHead) + t * job.qRow;
        const k = job.k + headOf(state, job.kHeads, job.states, job.kHead) + own * job.kRow;
        const u = job.bonus + headOf(head, job.bonusHeads, job.heads, job.width << 2);
        const weight = job.scale * dotThree(q, u, k, job.width);
        const v = job.v + headOf(state, job.vHeads, job.states, job.vHead) + own * job.vRow;
        addRow(out, weight, v, job.valueWidth);
        if (job.z) store<f32>(sum, load<f32>(sum) + weight);
      }
      if (job.divide) divideRow(out, load<f32>(sum) + job.epsilon, job.valueWidth);
    }
}

function divideRow(row: usize, divisor: f32, width: i32): void {
  const by = f32x4.splat(divisor);
  let e = 0;
  for (; e + 4 <= width; e += 4) {
    v128.store(row, f32x4.div(v128.load(row), by));
    row += 16;
  }
  for (; e < width; e++) {
    store<f32>(row, load<f32>(row) / divisor);
    row += 4;
  }
}
