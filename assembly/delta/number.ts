/**
 * Scores of a panel where a write decays by one number: products of keys, each times the decay from the one to the
 * other. Decays are products of the writes' own, as in the recurrence; nothing is ever divided by one.
 */
import { clear, fill } from "../pack";
import { tiles } from "../tiles";
import { decayOf, settled } from "./decays";
import { Job } from "./job";
import { keyGroups, keysOf, scaledRow } from "./rows";
import { agesAt, decaysAt, deep, fadesAt, groupsAt, keysAt, kinds, queriesAt, readersAt } from "./scratch";

/** Nothing of the chunk has decayed. */
export function openNumber(job: Job): void {
  store<f32>(fadesAt(job), 1);
}

/** From raw keys and queries in the panels to what multiplies the state and the chunk's writes. */
export function scoreNumber(job: Job, head: i32, keyHead: i32, write: i32, count: i32, panel: i32): void {
  const sets = kinds(job);
  const depth = deep(job);
  const group = depth << 4;
  const earlier = (sets * panel) << 3;
  for (let kind: usize = 0; kind < sets; kind++)
    keyGroups(
      job,
      keysOf(job, kind, sets, keyHead),
      write,
      count,
      groupsAt(job) + ((earlier >> 2) + (kind << 1)) * group,
      group,
    );
  const decays = decaysAt(job);
  const forReaders = decays + 32;
  const forQueries = decays + 64;
  const total = prefixes(job, head, write, count);
  const groups = <i32>((earlier >> 2) + (sets << 1));
  const readers = readersAt(job);
  const queries = queriesAt(job);
  const scores = depth << 5;
  tiles(groupsAt(job), 16, group, groups, readers, <i32>depth, readers + scores, 32, 128, 0);
  tiles(groupsAt(job), 16, group, groups, queries, <i32>depth, queries + scores, 32, 128, 0);
  fadeEarlier(job, panel, readers + scores, forReaders, -1);
  fadeEarlier(job, panel, queries + scores, forQueries, job.scale);
  for (let kind: usize = 0; kind < sets; kind++) {
    const block = scores + ((earlier + (kind << 3)) << 5);
    fadeWithin(decays, job.before, readers + block, -1);
    fadeWithin(decays, 0, queries + block, job.scale);
  }
  const start = load<f32>(fadesAt(job));
  fadePanel(readers, depth, forReaders, -start);
  fadePanel(queries, depth, forQueries, start * job.scale);
  grow(job, panel, total);
}

/** How far each of eight writes sees the panel's start decayed, for readers and for queries; returns that of the end. */
function prefixes(job: Job, head: i32, write: i32, count: i32): f32 {
  const decays = decaysAt(job);
  let x: f32 = 1;
  for (let i = 0; i < 8; i++) {
    const at = decays + (i << 2);
    const w = i < count ? decayOf(job, head, write + i) : 1;
    store<f32>(at, w);
    if (job.before) store<f32>(at, x, 32);
    x *= w;
    if (!job.before) store<f32>(at, x, 32);
    store<f32>(at, x, 64);
  }
  return x;
}

/** Scores with the writes of earlier panels: times the write's age, and the decay since the panel's start. */
function fadeEarlier(job: Job, panel: i32, scores: usize, prefix: usize, factor: f32): void {
  const by = f32x4.splat(factor);
  const low = f32x4.mul(by, settled(v128.load(prefix)));
  const high = f32x4.mul(by, settled(v128.load(prefix, 16)));
  const sets = kinds(job);
  const ages = agesAt(job);
  for (let p = 0; p < panel; p++)
    for (let kind: usize = 0; kind < sets; kind++)
      for (let i = 0; i < 8; i++) {
        const age = v128.load32_splat(ages + (((p << 3) + i) << 2));
        v128.store(scores, settled(f32x4.mul(v128.load(scores), f32x4.mul(low, age))));
        v128.store(scores, settled(f32x4.mul(v128.load(scores, 16), f32x4.mul(high, age))), 16);
        scores += 32;
      }
}

/** Scores within the panel: those of a write with itself and later ones; what stands before is never read. */
function fadeWithin(decays: usize, before: i32, scores: usize, factor: f32): void {
  for (let s = 0; s < 8; s++) {
    const row = scores + (s << 5);
    let x = factor;
    store<f32>(row + (s << 2), load<f32>(row + (s << 2)) * x);
    for (let t = s + 1; t < 8; t++) {
      const at = row + (t << 2);
      const w = load<f32>(decays + (t << 2));
      if (before) store<f32>(at, load<f32>(at) * x);
      x *= w;
      if (!before) store<f32>(at, load<f32>(at) * x);
    }
  }
}

/** What the state at the chunk's start is multiplied by. */
function fadePanel(panel: usize, depth: usize, prefix: usize, factor: f32): void {
  const by = f32x4.splat(factor);
  const low = settled(f32x4.mul(by, v128.load(prefix)));
  const high = settled(f32x4.mul(by, v128.load(prefix, 16)));
  const end = panel + (depth << 5);
  for (; panel < end; panel += 32) {
    v128.store(panel, f32x4.mul(v128.load(panel), low));
    v128.store(panel, f32x4.mul(v128.load(panel, 16), high), 16);
  }
}

/** Moves on to the next panel: everything has decayed by the panel, its own writes by what came after them. */
function grow(job: Job, panel: i32, total: f32): void {
  const ages = agesAt(job);
  const own = ages + ((<usize>panel) << 5);
  const by = f32x4.splat(total);
  for (let at = ages; at < own; at += 16) v128.store(at, settled(f32x4.mul(v128.load(at), by)));
  const decays = decaysAt(job);
  let x: f32 = 1;
  for (let i = 7; i >= 0; i--) {
    store<f32>(own + (i << 2), x);
    x *= load<f32>(decays + (i << 2));
  }
  v128.store(own, settled(v128.load(own)));
  v128.store(own, settled(v128.load(own, 16)), 16);
  const fade = fadesAt(job);
  store<f32>(fade, f32x4.extract_lane(settled(f32x4.splat(load<f32>(fade) * total)), 0));
}

/** Keys row by row as old as they are at the chunk's end, and by how much each row of the state has decayed. */
export function closeNumber(job: Job, keyHead: i32, write: i32, count: i32): void {
  const sets = kinds(job);
  const depth = deep(job);
  const ages = agesAt(job);
  let target = keysAt(job);
  for (let from = 0; from < count; from += 8)
    for (let kind: usize = 0; kind < sets; kind++) {
      let source = keysOf(job, kind, sets, keyHead) + (write + from) * job.kRow;
      for (let i = from; i < from + 8; i++) {
        if (i < count) scaledRow(source, job.width, load<f32>(ages + (i << 2)), target, depth);
        else clear(target, depth << 2);
        source += job.kRow;
        target += depth << 2;
      }
    }
  fill(fadesAt(job), depth << 2, load<f32>(fadesAt(job)));
}
