import { fill } from "../pack";
import { openGates } from "./gates";
import { headOf, LinearJob, VALUES } from "./job";
import { addRow, dot, fadeRow, padded, padRows } from "./rows";
import { gateRowAt, rowAt, rowBytes } from "./scratch";
import { read, write, writeColumns } from "./step";

/**
 * Tokens `from` … one after the other, as the formula has it. `rows` queries from `query` on read, the first of them
 * what the first token leaves.
 */
export function steps(
  job: LinearJob,
  state: i32,
  memory: usize,
  block: usize,
  row: usize,
  from: i32,
  count: i32,
  query: i32,
  rows: i32,
): void {
  const sums = rowAt(job, 2);
  const gates = gateRowAt(job);
  const k = job.k + headOf(state, job.kHeads, job.states, job.kHead);
  const v = job.v + headOf(state, job.vHeads, job.states, job.vHead);
  for (let i = 0; i < count; i++) {
    const token: usize = from + i;
    const key = k + token * job.kRow;
    gatesOf(job, state, from + i, gates);
    const value = v + token * job.vRow;
    if (job.channels === VALUES) writeColumns(memory, block, row, gates, key, value, job.width, job.valueWidth);
    else write(memory, block, row, gates, key, value, job.width, job.valueWidth);
    if (job.z) {
      fadeRow(sums, gates, rowBytes(job));
      addRow(sums, 1, key, job.width);
    }
    if (i < rows) readers(job, state, memory, block, row, query + i);
  }
}

/** What query t of every reader of a state finds there. */
export function readers(job: LinearJob, state: i32, memory: usize, block: usize, row: usize, t: i32): void {
  const count = job.heads / job.states;
  for (let reader = 0; reader < count; reader++) {
    const head = state * count + reader;
    const q = job.q + headOf(head, job.qHeads, job.heads, job.qHead) + t * job.qRow;
    read(memory, block, row, q, job.scale, job.out + head * job.outHead + t * job.outRow, job.width, job.valueWidth);
    if (job.z) store<f32>(job.sums + ((head * job.queries + t) << 2), job.scale * dot(q, rowAt(job, 2), job.width));
  }
}

/** A row of the factors by which a token fades the channels, of keys or of values. */
function gatesOf(job: LinearJob, state: i32, token: i32, target: usize): void {
  const row = rowBytes(job);
  if (job.channels === VALUES) {
    const columns = job.gates + headOf(state, job.gateHeads, job.states, job.gateHead) + token * job.gateRow;
    padRows(columns, 0, 1, job.valueWidth, target);
    if (job.logs) openGates(target, (<usize>padded(job.valueWidth)) << 2);
    return;
  }
  if (!job.gates) {
    fill(target, row, 1);
    return;
  }
  const source = job.gates + headOf(state, job.gateHeads, job.states, job.gateHead) + token * job.gateRow;
  if (job.channels) padRows(source, 0, 1, job.width, target);
  else fill(target, row, load<f32>(source));
  if (job.logs) openGates(target, row);
}
