/**
 * Scores of a panel where each row of the state has a decay of its own, so that it stands inside the products of keys.
 * Between panels the later ones are taken as decayed since the panel's start, the earlier ones as decayed up to it; in
 * a panel decays are multiplied up from write to write. Nothing is ever divided by one.
 */
import { madd } from "../lanes";
import { clear, fill, panelOfRows } from "../pack";
import { tiles } from "../tiles";
import { decayRow, settled } from "./decays";
import { Job } from "./job";
import { fadedRow, keysOf, readerPanel } from "./rows";
import {
  decayPanelAt,
  decaysAt,
  deep,
  fadesAt,
  groupsAt,
  keyPanelAt,
  keysAt,
  kinds,
  queriesAt,
  readersAt,
  stageAt,
} from "./scratch";

/** Nothing of the chunk has decayed. */
export function openChannels(job: Job): void {
  fill(fadesAt(job), deep(job) << 2, 1);
}

/** From raw keys and queries in the panels to what multiplies the state and the chunk's writes. */
export function scoreChannels(job: Job, head: i32, keyHead: i32, write: i32, count: i32, panel: i32): void {
  const sets = kinds(job);
  const depth = deep(job);
  const earlier = (sets * panel) << 3;
  const readers = readersAt(job);
  const queries = queriesAt(job);
  const scores = depth << 5;
  takeDecays(job, head, write, count, panel);
  for (let kind: usize = 0; kind < sets; kind++) {
    const keys = keyPanelAt(job) + ((kind * depth) << 5);
    readerPanel(job, keysOf(job, kind, sets, keyHead), write, count, keys);
    own(queries, keys, depth, job.scale, queries + scores + ((earlier + (kind << 3)) << 5));
  }
  const read = job.p ? readers : keyPanelAt(job) + (((sets - 1) * depth) << 5);
  turn(read, depth, decayPanelAt(job), job.before, -1, readers);
  turn(queries, depth, decayPanelAt(job), 0, job.scale, queries);
  for (let kind: usize = 0; kind < sets; kind++) {
    const keys = keyPanelAt(job) + ((kind * depth) << 5);
    const block = scores + ((earlier + (kind << 3)) << 5);
    lags(readers, keys, decayPanelAt(job), depth, readers + block);
    lags(queries, keys, decayPanelAt(job), depth, queries + block);
  }
  fadeByPrefix(readers, queries, decayPanelAt(job), depth, stageAt(job));
  if (panel) {
    const groups = <i32>(earlier >> 2);
    tiles(groupsAt(job), 16, depth << 4, groups, readers, <i32>depth, readers + scores, 32, 128, 0);
    tiles(groupsAt(job), 16, depth << 4, groups, queries, <i32>depth, queries + scores, 32, 128, 0);
    fadeByRow(readers, depth, fadesAt(job));
    fadeByRow(queries, depth, fadesAt(job));
  }
  grow(job, panel);
}

/** The decays of eight writes, row by row and as a panel. */
function takeDecays(job: Job, head: i32, write: i32, count: i32, panel: i32): void {
  const row = deep(job) << 2;
  const first = decaysAt(job) + ((<usize>panel) << 3) * row;
  for (let i = 0; i < 8; i++) {
    const target = first + <usize>i * row;
    if (i < count) decayRow(job, head, write + i, target);
    else fill(target, row, 1);
  }
  panelOfRows(first, row, 8, <i32>deep(job), decayPanelAt(job));
}

/** Scores of the queries with their own writes, between which nothing decays. */
function own(queries: usize, keys: usize, depth: usize, scale: f32, scores: usize): void {
  let low = f32x4.splat(0);
  let high = low;
  for (let at: usize = 0; at < depth << 5; at += 32) {
    low = madd(v128.load(queries + at), v128.load(keys + at), low);
    high = madd(v128.load(queries + at, 16), v128.load(keys + at, 16), high);
  }
  diagonal(scores, f32x4.mul(low, f32x4.splat(scale)));
  diagonal(scores + 144, f32x4.mul(high, f32x4.splat(scale)));
}

@inline
function diagonal(at: usize, x: v128): void {
  v128.store_lane<f32>(at, x, 0);
  v128.store_lane<f32>(at, x, 1, 36);
  v128.store_lane<f32>(at, x, 2, 72);
  v128.store_lane<f32>(at, x, 3, 108);
}

/** Reading what has decayed is reading, before it decays, at a key that has. */
function turn(panel: usize, depth: usize, decays: usize, before: i32, factor: f32, target: usize): void {
  const by = f32x4.splat(factor);
  const end = panel + (depth << 5);
  for (; panel < end; panel += 32) {
    let low = f32x4.mul(v128.load(panel), by);
    let high = f32x4.mul(v128.load(panel, 16), by);
    if (!before) {
      low = f32x4.mul(low, v128.load(decays));
      high = f32x4.mul(high, v128.load(decays, 16));
    }
    v128.store(target, low);
    v128.store(target, high, 16);
    target += 32;
    decays += 32;
  }
}

/** x one place later, the last of `before` in front. */
@inline
function later(before: v128, x: v128): v128 {
  return v128.shuffle<f32>(before, x, 3, 4, 5, 6);
}

/**
 * Scores of a panel's readers with its earlier writes, one to seven places back: all pairs of one distance at a time,
 * the keys moving one place on and decaying.
 */
function lags(readers: usize, keys: usize, decays: usize, depth: usize, scores: usize): void {
  const zero = f32x4.splat(0);
  let l1 = zero;
  let l2 = zero;
  let l3 = zero;
  let h1 = zero;
  let h2 = zero;
  let h3 = zero;
  let h4 = zero;
  let h5 = zero;
  let h6 = zero;
  let h7 = zero;
  const end = keys + (depth << 5);
  for (; keys < end; keys += 32) {
    let low = v128.load(keys);
    let high = later(low, v128.load(keys, 16));
    low = later(zero, low);
    l1 = madd(v128.load(readers), low, l1);
    h1 = madd(v128.load(readers, 16), high, h1);
    low = f32x4.mul(low, v128.load(decays));
    high = later(low, f32x4.mul(high, v128.load(decays, 16)));
    low = later(zero, low);
    l2 = madd(v128.load(readers), low, l2);
    h2 = madd(v128.load(readers, 16), high, h2);
    low = f32x4.mul(low, v128.load(decays));
    high = later(low, f32x4.mul(high, v128.load(decays, 16)));
    low = later(zero, low);
    l3 = madd(v128.load(readers), low, l3);
    h3 = madd(v128.load(readers, 16), high, h3);
    low = f32x4.mul(low, v128.load(decays));
    high = later(low, f32x4.mul(high, v128.load(decays, 16)));
    h4 = madd(v128.load(readers, 16), high, h4);
    high = later(zero, f32x4.mul(high, v128.load(decays, 16)));
    h5 = madd(v128.load(readers, 16), high, h5);
    high = later(zero, f32x4.mul(high, v128.load(decays, 16)));
    h6 = madd(v128.load(readers, 16), high, h6);
    high = later(zero, f32x4.mul(high, v128.load(decays, 16)));
    h7 = madd(v128.load(readers, 16), high, h7);
    readers += 32;
    decays += 32;
  }
  // Reader t is at place t of the row of write t − lag.
  v128.store_lane<f32>(scores, l1, 1, 4);
  v128.store_lane<f32>(scores, l1, 2, 40);
  v128.store_lane<f32>(scores, l1, 3, 76);
  v128.store_lane<f32>(scores, h1, 0, 112);
  v128.store_lane<f32>(scores, h1, 1, 148);
  v128.store_lane<f32>(scores, h1, 2, 184);
  v128.store_lane<f32>(scores, h1, 3, 220);
  v128.store_lane<f32>(scores, l2, 2, 8);
  v128.store_lane<f32>(scores, l2, 3, 44);
  v128.store_lane<f32>(scores, h2, 0, 80);
  v128.store_lane<f32>(scores, h2, 1, 116);
  v128.store_lane<f32>(scores, h2, 2, 152);
  v128.store_lane<f32>(scores, h2, 3, 188);
  v128.store_lane<f32>(scores, l3, 3, 12);
  v128.store_lane<f32>(scores, h3, 0, 48);
  v128.store_lane<f32>(scores, h3, 1, 84);
  v128.store_lane<f32>(scores, h3, 2, 120);
  v128.store_lane<f32>(scores, h3, 3, 156);
  v128.store_lane<f32>(scores, h4, 0, 16);
  v128.store_lane<f32>(scores, h4, 1, 52);
  v128.store_lane<f32>(scores, h4, 2, 88);
  v128.store_lane<f32>(scores, h4, 3, 124);
  v128.store_lane<f32>(scores, h5, 1, 20);
  v128.store_lane<f32>(scores, h5, 2, 56);
  v128.store_lane<f32>(scores, h5, 3, 92);
  v128.store_lane<f32>(scores, h6, 2, 24);
  v128.store_lane<f32>(scores, h6, 3, 60);
  v128.store_lane<f32>(scores, h7, 3, 28);
}

/** Readers and queries times the decays from the panel's start to them; `totals` gets the decays to its end. */
function fadeByPrefix(readers: usize, queries: usize, decays: usize, depth: usize, totals: usize): void {
  const one = f32x4.splat(1);
  const end = readers + (depth << 5);
  for (; readers < end; readers += 32) {
    let low = v128.load(decays);
    let high = v128.load(decays, 16);
    low = f32x4.mul(low, later(one, low));
    high = f32x4.mul(high, later(one, high));
    low = f32x4.mul(low, v128.shuffle<f32>(one, low, 0, 1, 4, 5));
    high = f32x4.mul(high, v128.shuffle<f32>(one, high, 0, 1, 4, 5));
    high = f32x4.mul(high, v128.shuffle<f32>(low, low, 3, 3, 3, 3));
    v128.store_lane<f32>(totals, settled(high), 3);
    high = settled(later(low, high));
    low = settled(later(one, low));
    v128.store(readers, f32x4.mul(v128.load(readers), low));
    v128.store(readers, f32x4.mul(v128.load(readers, 16), high), 16);
    v128.store(queries, f32x4.mul(v128.load(queries), low));
    v128.store(queries, f32x4.mul(v128.load(queries, 16), high), 16);
    queries += 32;
    decays += 32;
    totals += 4;
  }
}

/** Each row of a panel times its own of the factors. */
function fadeByRow(panel: usize, depth: usize, factors: usize): void {
  const end = panel + (depth << 5);
  for (; panel < end; panel += 32) {
    const by = v128.load32_splat(factors);
    v128.store(panel, settled(f32x4.mul(v128.load(panel), by)));
    v128.store(panel, settled(f32x4.mul(v128.load(panel, 16), by)), 16);
    factors += 4;
  }
}

/** Moves on to the next panel: everything has decayed by the panel, its own writes by what came after them. */
function grow(job: Job, panel: i32): void {
  const sets = kinds(job);
  const depth = deep(job);
  const totals = stageAt(job);
  const fades = fadesAt(job);
  for (let at: usize = 0; at < depth << 2; at += 16)
    v128.store(fades + at, settled(f32x4.mul(v128.load(fades + at), v128.load(totals + at))));
  let group = groupsAt(job);
  for (let g = <i32>(sets * panel) << 1; g > 0; g--) {
    for (let at: usize = 0; at < depth << 2; at += 4) {
      v128.store(group, settled(f32x4.mul(v128.load(group), v128.load32_splat(totals + at))));
      group += 16;
    }
  }
  for (let kind: usize = 0; kind < sets; kind++) {
    fadeBySuffix(keyPanelAt(job) + ((kind * depth) << 5), decayPanelAt(job), depth, group);
    group += depth << 5;
  }
}

/** Keys of a panel times the decays from them to its end, as two groups of four. */
function fadeBySuffix(keys: usize, decays: usize, depth: usize, groups: usize): void {
  const one = f32x4.splat(1);
  const apart = depth << 4;
  const end = keys + (depth << 5);
  for (; keys < end; keys += 32) {
    let low = v128.load(decays);
    let high = v128.load(decays, 16);
    low = f32x4.mul(low, v128.shuffle<f32>(low, one, 1, 2, 3, 4));
    high = f32x4.mul(high, v128.shuffle<f32>(high, one, 1, 2, 3, 4));
    low = f32x4.mul(low, v128.shuffle<f32>(low, one, 2, 3, 4, 5));
    high = f32x4.mul(high, v128.shuffle<f32>(high, one, 2, 3, 4, 5));
    low = f32x4.mul(v128.shuffle<f32>(low, one, 1, 2, 3, 4), v128.shuffle<f32>(high, high, 0, 0, 0, 0));
    high = v128.shuffle<f32>(high, one, 1, 2, 3, 4);
    v128.store(groups, settled(f32x4.mul(v128.load(keys), low)));
    v128.store(groups + apart, settled(f32x4.mul(v128.load(keys, 16), high)));
    groups += 16;
    decays += 32;
  }
}

/** Keys row by row as decayed at the chunk's end, from the last to the first. */
export function closeChannels(job: Job, keyHead: i32, write: i32, count: i32): void {
  const sets = kinds(job);
  const depth = deep(job);
  const row = depth << 2;
  const decays = stageAt(job);
  fill(decays, row, 1);
  for (let i = ((count + 7) & ~7) - 1; i >= 0; i--) {
    for (let kind: usize = 0; kind < sets; kind++) {
      const place = (sets << 3) * (i >> 3) + (kind << 3) + (i & 7);
      const target = keysAt(job) + place * row;
      if (i < count)
        fadedRow(keysOf(job, kind, sets, keyHead) + (write + i) * job.kRow, job.width, decays, target, depth);
      else clear(target, row);
    }
    const own = decaysAt(job) + <usize>i * row;
    for (let at: usize = 0; at < row; at += 16)
      v128.store(decays + at, settled(f32x4.mul(v128.load(decays + at), v128.load(own + at))));
  }
}
