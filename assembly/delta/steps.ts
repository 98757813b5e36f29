import { madd } from "../lanes";
import { copyFloats, fill } from "../pack";
import { decayOf, decayRow } from "./decays";
import { Job } from "./job";
import { fadedRow, scaledRow } from "./rows";
import { deep } from "./scratch";

/** Writes whose decays are worked out together, for all columns. */
const WRITES = 32;

/** Bytes of scratch that `deltaSteps` needs: decays and what is read, a row a write, and what is no whole block. */
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

/** Values, betas, further values and results of sixteen columns, then the state's. */
function edgeAt(job: Job): usize {
  return readsAt(job) + ((deep(job) * WRITES) << 2);
}

/**
 * The delta rule write by write, sixteen columns of the state at a time, which stay in the first cache. The state is
 * changed where it stands.
 */
export function deltaSteps(job: Job): void {
  const shared = job.heads / job.keyHeads;
  const all = job.tokens * job.writes;
  const row = (<usize>job.valueWidth) << 2;
  const whole = job.valueWidth & ~15;
  const left = job.valueWidth - whole;
  const edge = edgeAt(job);
  for (let head = 0; head < job.heads; head++) {
    const keyHead = head / shared;
    const state: usize = job.state + <usize>head * job.width * row;
    for (let from = 0; from < all; from += WRITES) {
      const to = min(all, from + WRITES);
      prepare(job, head, keyHead, from, to);
      for (let e = 0; e < whole; e += 16) {
        const column = (<usize>e) << 2;
        for (let write = from; write < to; write++) {
          const value = column + head * job.vHead + write * job.vRow;
          step(
            job,
            keyHead,
            write,
            write - from,
            state + column,
            row,
            job.v ? job.v + value : 0,
            job.beta ? job.beta + head * job.betaHead + write * job.betaRow + (job.betaWide ? column : 0) : 0,
            job.addV + value,
            job.out + column + head * job.outHead + (write / job.writes) * job.outRow,
          );
        }
      }
      if (!left) continue;
      const column = (<usize>whole) << 2;
      for (let d = 0; d < job.width; d++)
        scaledRow(state + column + <usize>d * row, left, 1, edge + 256 + ((<usize>d) << 6), 16);
      for (let write = from; write < to; write++) {
        const value = column + head * job.vHead + write * job.vRow;
        if (job.v) scaledRow(job.v + value, left, 1, edge, 16);
        const betas = job.beta + head * job.betaHead + write * job.betaRow;
        if (job.beta && job.betaWide) scaledRow(betas + column, left, 1, edge + 64, 16);
        if (job.addK) scaledRow(job.addV + value, left, 1, edge + 128, 16);
        step(
          job,
          keyHead,
          write,
          write - from,
          edge + 256,
          64,
          job.v ? edge : 0,
          job.beta ? (job.betaWide ? edge + 64 : betas) : 0,
          edge + 128,
          edge + 192,
        );
        if ((write + 1) % job.writes === 0)
          copyFloats(
            edge + 192,
            left,
            job.out + column + head * job.outHead + (write / job.writes) * job.outRow,
          );
      }
      for (let d = 0; d < job.width; d++)
        copyFloats(edge + 256 + ((<usize>d) << 6), left, state + column + <usize>d * row);
    }
  }
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

/** One write on sixteen columns of the state, whose rows are `row` bytes apart. */
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
  const keyOffset = keyHead * job.kHead + write * job.kRow;
  if (job.addK) add(job.addK + keyOffset, decay, added, state, row, end);
  let key: usize = job.k + keyOffset;
  // A write that ends no token is not read.
  const token = (write + 1) / job.writes - 1;
  const ends = (write + 1) % job.writes === 0;
  let query: usize = ends ? job.q + keyHead * job.qHead + token * job.qRow : key;
  const fades = !job.addK && (job.gate !== 0);
  let o0 = f32x4.splat(0);
  let o1 = o0;
  let o2 = o0;
  let o3 = o0;
  if (fades)
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
  else
    for (at = state; at < end; at += row) {
      const k = v128.load32_splat(key);
      const s0 = madd(k, u0, v128.load(at));
      const s1 = madd(k, u1, v128.load(at, 16));
      const s2 = madd(k, u2, v128.load(at, 32));
      const s3 = madd(k, u3, v128.load(at, 48));
      const q = v128.load32_splat(query);
      v128.store(at, s0);
      o0 = madd(q, s0, o0);
      v128.store(at, s1, 16);
      o1 = madd(q, s1, o1);
      v128.store(at, s2, 32);
      o2 = madd(q, s2, o2);
      v128.store(at, s3, 48);
      o3 = madd(q, s3, o3);
      key += 4;
      query += 4;
    }
  if (!ends) return;
  const scale = f32x4.splat(job.scale);
  v128.store(out, f32x4.mul(o0, scale));
  v128.store(out, f32x4.mul(o1, scale), 16);
  v128.store(out, f32x4.mul(o2, scale), 32);
  v128.store(out, f32x4.mul(o3, scale), 48);
}

/** Lets the state decay and adds a key times its values. */
function add(key: usize, decay: usize, value: usize, state: usize, row: usize, end: usize): void {
  const v0 = v128.load(value);
  const v1 = v128.load(value, 16);
  const v2 = v128.load(value, 32);
  const v3 = v128.load(value, 48);
  for (let at = state; at < end; at += row) {
    const w = v128.load32_splat(decay);
    const k = v128.load32_splat(key);
    v128.store(at, madd(k, v0, f32x4.mul(w, v128.load(at))));
    v128.store(at, madd(k, v1, f32x4.mul(w, v128.load(at, 16))), 16);
    v128.store(at, madd(k, v2, f32x4.mul(w, v128.load(at, 32))), 32);
    v128.store(at, madd(k, v3, f32x4.mul(w, v128.load(at, 48))), 48);
    decay += 4;
    key += 4;
  }
}
