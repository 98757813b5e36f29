import { madd } from "../lanes";
import { copyFloats, fill } from "../pack";
import { decayOf, decayRow } from "./decays";
import { Job } from "./job";
import { fadedRow, scaledRow } from "./rows";
import { deep } from "./scratch";

/** Writes whose decays are worked out together, for all columns. */
const WRITES = 32;

/** Bytes of scratch that `deltaSteps` needs: decays and what is read, a row a write, and a block of columns. */
export function deltaStepsScratch(job: Job): usize {
  return ((deep(job) * WRITES) << 3) + (<usize>job.width << 6) + 256;
}

function decaysAt(job: Job): usize {
  return job.scratch;
}

/** Keys at which the state is read, times its decay. */
function readsAt(job: Job): usize {
  return decaysAt(job) + ((deep(job) * WRITES) << 2);
}

/** Values, values that are added, betas and results of sixteen columns. */
function edgeAt(job: Job): usize {
  return readsAt(job) + ((deep(job) * WRITES) << 2);
}

/** Sixteen columns of the state. */
function blockAt(job: Job): usize {
  return edgeAt(job) + 256;
}

/**
 * The delta rule write by write, sixteen columns of the state at a time, which stay in the first cache. The state is
 * changed where it stands.
 */
export function deltaSteps(job: Job): void {
  const shared = job.heads / job.keyHeads;
  const all = job.tokens * job.writes;
  const row = (<usize>job.valueWidth) << 2;
  for (let head = 0; head < job.heads; head++) {
    const keyHead = head / shared;
    const state: usize = job.state + <usize>head * job.width * row;
    for (let from = 0; from < all; from += WRITES) {
      const to = min(all, from + WRITES);
      prepare(job, head, keyHead, from, to);
      for (let e = 0; e < job.valueWidth; e += 16) {
        const columns = min(16, job.valueWidth - e);
        // In place for a few writes; for more a copy, whose rows do not compete for places in the cache.
        if (columns === 16 && to - from < 4) steps(job, head, keyHead, from, to, e, state + (e << 2), row);
        else {
          const block = blockAt(job);
          for (let d = 0; d < job.width; d++)
            scaledRow(state + (e << 2) + <usize>d * row, columns, 1, block + ((<usize>d) << 6), 16);
          steps(job, head, keyHead, from, to, e, block, 64);
          for (let d = 0; d < job.width; d++)
            copyFloats(block + ((<usize>d) << 6), columns, state + (e << 2) + <usize>d * row);
        }
      }
    }
  }
}

/** Some writes on up to sixteen columns of the state from column `e`; values that are no whole sixteen are copied. */
function steps(job: Job, head: i32, keyHead: i32, from: i32, to: i32, e: i32, block: usize, row: usize): void {
  const columns = min(16, job.valueWidth - e);
  const whole = columns === 16;
  const edge = edgeAt(job);
  const column = (<usize>e) << 2;
  let out: usize = job.out + column + head * job.outHead + (from / job.writes) * job.outRow;
  let left = job.writes - (from % job.writes);
  for (let write = from; write < to; write++) {
    const ofValue = column + head * job.vHead + write * job.vRow;
    let value: usize = job.v ? job.v + ofValue : 0;
    let added: usize = job.addV + ofValue;
    let beta: usize = job.beta ? job.beta + head * job.betaHead + write * job.betaRow : 0;
    if (job.betaWide) beta += column;
    if (!whole) {
      if (value) value = aside(value, columns, edge);
      if (job.addK) added = aside(added, columns, edge + 64);
      if (job.betaWide) beta = aside(beta, columns, edge + 128);
    }
    const ends = --left === 0;
    const query: usize = ends ? job.q + keyHead * job.qHead + (write / job.writes) * job.qRow : 0;
    const target = whole ? out : edge + 192;
    if (job.diagonal) diagonal(job, keyHead, write, write - from, block, row, value, beta, query, target);
    else step(job, keyHead, write, write - from, block, row, value, beta, added, query, target);
    if (!ends) continue;
    if (!whole) copyFloats(edge + 192, columns, out);
    out += job.outRow;
    left = job.writes;
  }
}

/** A copy of some floats that is padded to sixteen. */
function aside(source: usize, columns: i32, target: usize): usize {
  scaledRow(source, columns, 1, target, 16);
  return target;
}

/** For each write its decays, and the key it reads at times them. */
function prepare(job: Job, head: i32, keyHead: i32, from: i32, to: i32): void {
  const row = deep(job) << 2;
  for (let write = from; write < to; write++) {
    const decays = decaysAt(job) + <usize>(write - from) * row;
    if (job.gateWide) decayRow(job, head, write, decays);
    else fill(decays, row, decayOf(job, head, write));
    const source: usize = (job.p ? job.p : job.k) + keyHead * job.kHead + write * job.kRow;
    const target = readsAt(job) + <usize>(write - from) * row;
    if (job.before) scaledRow(source, job.width, 1, target, deep(job));
    else fadedRow(source, job.width, decays, target, deep(job));
  }
}

/** One write on sixteen columns of the state, whose rows are `row` bytes apart; without a query (0) nothing is read. */
function step(
  job: Job,
  keyHead: i32,
  write: i32,
  place: i32,
  state: usize,
  row: usize,
  value: usize,
  beta: usize,
  added: usize,
  query: usize,
  out: usize,
): void {
  const own = <usize>place * (deep(job) << 2);
  let read = readsAt(job) + own;
  let decay = decaysAt(job) + own;
  let at = state;
  const end = state + <usize>job.width * row;
  let u0 = f32x4.splat(0);
  let u1 = u0;
  let u2 = u0;
  let u3 = u0;
  for (; at < end; at += row) {
    const x = v128.load32_splat(read);
    u0 = madd(x, v128.load(at), u0);
    u1 = madd(x, v128.load(at, 16), u1);
    u2 = madd(x, v128.load(at, 32), u2);
    u3 = madd(x, v128.load(at, 48), u3);
    read += 4;
  }
  if (value) {
    u0 = f32x4.sub(v128.load(value), u0);
    u1 = f32x4.sub(v128.load(value, 16), u1);
    u2 = f32x4.sub(v128.load(value, 32), u2);
    u3 = f32x4.sub(v128.load(value, 48), u3);
  } else {
    u0 = f32x4.neg(u0);
    u1 = f32x4.neg(u1);
    u2 = f32x4.neg(u2);
    u3 = f32x4.neg(u3);
  }
  if (beta && job.betaWide) {
    u0 = f32x4.mul(u0, v128.load(beta));
    u1 = f32x4.mul(u1, v128.load(beta, 16));
    u2 = f32x4.mul(u2, v128.load(beta, 32));
    u3 = f32x4.mul(u3, v128.load(beta, 48));
  } else if (beta) {
    const by = v128.load32_splat(beta);
    u0 = f32x4.mul(u0, by);
    u1 = f32x4.mul(u1, by);
    u2 = f32x4.mul(u2, by);
    u3 = f32x4.mul(u3, by);
  }
  const ofKey = keyHead * job.kHead + write * job.kRow;
  let key: usize = job.k + ofKey;
  const reads = query !== 0;
  // What is not stored is read at any address.
  if (!reads) query = key;
  let o0 = f32x4.splat(0);
  let o1 = o0;
  let o2 = o0;
  let o3 = o0;
  if (job.addK) {
    let addKey: usize = job.addK + ofKey;
    for (at = state; at < end; at += row) {
      const w = v128.load32_splat(decay);
      const a = v128.load32_splat(addKey);
      const k = v128.load32_splat(key);
      const q = v128.load32_splat(query);
      const s0 = madd(k, u0, madd(a, v128.load(added), f32x4.mul(w, v128.load(at))));
      const s1 = madd(k, u1, madd(a, v128.load(added, 16), f32x4.mul(w, v128.load(at, 16))));
      v128.store(at, s0);
      o0 = madd(q, s0, o0);
      v128.store(at, s1, 16);
      o1 = madd(q, s1, o1);
      const s2 = madd(k, u2, madd(a, v128.load(added, 32), f32x4.mul(w, v128.load(at, 32))));
      const s3 = madd(k, u3, madd(a, v128.load(added, 48), f32x4.mul(w, v128.load(at, 48))));
      v128.store(at, s2, 32);
      o2 = madd(q, s2, o2);
      v128.store(at, s3, 48);
      o3 = madd(q, s3, o3);
      decay += 4;
      addKey += 4;
      key += 4;
      query += 4;
    }
  } else
    for (at = state; at < end; at += row) {
      const w = v128.load32_splat(decay);
      const k = v128.load32_splat(key);
      const s0 = madd(k, u0, f32x4.mul(w, v128.load(at)));
      const s1 = madd(k, u1, f32x4.mul(w, v128.load(at, 16)));
      const s2 = madd(k, u2, f32x4.mul(w, v128.load(at, 32)));
      const s3 = madd(k, u3, f32x4.mul(w, v128.load(at, 48)));
      const q = v128.load32_splat(query);
      v128.store(at, s0);
      o0 = madd(q, s0, o0);
      v128.store(at, s1, 16);
      o1 = madd(q, s1, o1);
      v128.store(at, s2, 32);
      o2 = madd(q, s2, o2);
      v128.store(at, s3, 48);
      o3 = madd(q, s3, o3);
      decay += 4;
      key += 4;
      query += 4;
    }
  if (!reads) return;
  const scale = f32x4.splat(job.scale);
  v128.store(out, f32x4.mul(o0, scale));
  v128.store(out, f32x4.mul(o1, scale), 16);
  v128.store(out, f32x4.mul(o2, scale), 32);
  v128.store(out, f32x4.mul(o3, scale), 48);
}

/** The same where each row of the state reads and writes for itself. */
function diagonal(
  job: Job,
  keyHead: i32,
  write: i32,
  place: i32,
  state: usize,
  row: usize,
  value: usize,
  beta: usize,
  query: usize,
  out: usize,
): void {
  const own = <usize>place * (deep(job) << 2);
  const scale = f32x4.splat(job.scale);
  const end = state + <usize>job.width * row;
  const first: usize = job.k + keyHead * job.kHead + write * job.kRow;
  for (let column: usize = 0; column < 64; column += 16) {
    let read = readsAt(job) + own;
    let decay = decaysAt(job) + own;
    let key = first;
    let from = query || key;
    const v = v128.load(value + column);
    let by = f32x4.splat(1);
    if (beta) by = job.betaWide ? v128.load(beta + column) : v128.load32_splat(beta);
    let o = f32x4.splat(0);
    for (let at = state + column; at < end + column; at += row) {
      const s = v128.load(at);
      const u = f32x4.mul(by, f32x4.sub(v, f32x4.mul(v128.load32_splat(read), s)));
      const x = madd(v128.load32_splat(key), u, f32x4.mul(v128.load32_splat(decay), s));
      v128.store(at, x);
      o = madd(v128.load32_splat(from), x, o);
      read += 4;
      decay += 4;
      key += 4;
      from += 4;
    }
    if (query) v128.store(out + column, f32x4.mul(o, scale));
  }
}
