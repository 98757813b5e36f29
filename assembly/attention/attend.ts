import { clear, fill, panelOfRows } from "../pack";
import { groupRows, multiply } from "../tile/multiply";
import { groupsOfColumns, groupsOfRows } from "../tile/pack";
import { close } from "./close";
import { clip, hide, hideBlocks, seesBlock } from "./hide";
import { Job } from "./job";
import { addBias, addDistance, addRelative, cap, layDistances, scale } from "./scores";
import {
  factorsAt,
  KEYS,
  keysAt,
  QUERIES,
  queriesAt,
  scoresAt,
  sumsAt,
  sumsBytes,
  topsAt,
  totalsAt,
  valuesAt,
} from "./scratch";
import { absorb } from "./softmax";
import { addSeenValues, finite } from "./values";
import { anySeen, endKey, firstKey } from "./visible";

export { attendScratch } from "./scratch";

/** Blocks and groups of keys begin at multiples of this, whatever the rows of a group. */
const STEP = 12;

const LOG2E: f32 = 1.4426950408889634;

/** The first key that is packed. */
let base: i32 = 0;
/** How many are. */
let count: i32 = 0;
/** Whether all values of the head are finite. */
let clean: bool = true;
/** Whether scores are scaled before the softmax, and what it then takes as the unit of a score. */
let scaled: bool = false;
let unit: f32 = LOG2E;

/**
 * Softmax attention with an online softmax: no more than eight queries' scores of one block of keys exist at a time.
 * Keys and values of a head are packed once and serve all query heads that share them. Queries are the columns of both
 * products: scores are keys · queriesᵀ, and the sums valuesᵀ · probabilities.
 */
export function attend(job: Job): void {
  const shared = job.heads / job.keyHeads;
  // The softmax scales as it goes, unless something comes between, or would turn the order of the scores over.
  unit = job.scale * LOG2E;
  scaled = job.cap !== Infinity || (job.bias | job.relative | job.slopes) !== 0 || !(unit > 0);
  if (scaled) unit = LOG2E;
  const first = firstKey(job, 0);
  base = first - (first % STEP);
  count = max(0, endKey(job, job.queries - 1) - base);
  for (let keyHead = 0; keyHead < job.keyHeads; keyHead++) {
    groupsOfRows(job.k + keyHead * job.kHead + base * job.kRow, job.kRow, count, job.width, keysAt(job));
    const values = job.v + keyHead * job.vHead + base * job.vRow;
    groupsOfColumns(values, job.vRow, job.valueWidth, count, valuesAt(job));
    clean = finite(values, job.vRow, count, job.valueWidth);
    for (let i = 0; i < shared; i++) {
      const head = keyHead * shared + i;
      if (job.relative) layDistances(job, head, base);
      for (let query = 0; query < job.queries; query += QUERIES) block(job, head, query, min(QUERIES, job.queries - query));
    }
  }
}

/** Up to 32 queries of one head against all keys they see, a block of keys at a time. */
function block(job: Job, head: i32, query: i32, rows: i32): void {
  open(job, head, query, rows);
  const to = endKey(job, query + rows - 1);
  let from = firstKey(job, query);
  from -= from % STEP;
  for (; from < to; from += KEYS)
    for (let row = 0; row < rows; row += 8)
      panel(job, head, query + row, row >> 3, min(8, rows - row), from, min(to, from + KEYS));
  for (let row = 0; row < rows; row += 8) close(job, head, query + row, row >> 3, min(8, rows - row));
}

/** The queries in panels, and nothing seen yet. */
function open(job: Job, head: i32, query: i32, rows: i32): void {
  const panelBytes = (<usize>job.width) << 5;
  const queries = queriesAt(job);
  const source = job.q + head * job.qHead + query * job.qRow;
  let target = queries;
  for (let row = 0; row < rows; row += 8) {
    panelOfRows(source + row * job.qRow, job.qRow, rows - row, job.width, target);
    target += panelBytes;
  }
  clear(sumsAt(job), sumsBytes(job.valueWidth) * (QUERIES >> 3));
  fill(topsAt(job), QUERIES * 4, -Infinity);
  clear(totalsAt(job), QUERIES * 4);
}

/** Eight queries against one block of keys, or as much of it as any of them sees. */
function panel(job: Job, head: i32, query: i32, index: i32, rows: i32, blockFrom: i32, blockTo: i32): void {
  const from = max(blockFrom, firstKey(job, query));
  const to = min(blockTo, endKey(job, query + rows - 1));
  if (!job.blocks) return keys(job, head, query, index, rows, from, to);
  // Runs of neighbouring blocks that any of the queries sees.
  let at = from;
  while (at < to) {
    while (at < to && !anySeesBlock(job, head, query, rows, at)) at = nextBlock(job, at);
    const start = at;
    while (at < to && anySeesBlock(job, head, query, rows, at)) at = nextBlock(job, at);
    keys(job, head, query, index, rows, start, min(at, to));
  }
}

function nextBlock(job: Job, key: i32): i32 {
  return key - (key % job.blockKeys) + job.blockKeys;
}

function anySeesBlock(job: Job, head: i32, query: i32, rows: i32, key: i32): bool {
  for (let row = 0; row < rows; row++) if (seesBlock(job, head, query + row, key)) return true;
  return false;
}

/** Eight queries against a run of keys, at most a block of them. */
function keys(job: Job, head: i32, query: i32, index: i32, rows: i32, from: i32, to: i32): void {
  if (from >= to) return;
  if (job.mask && !anySeen(job, head, query, rows, from, to)) return;
  const many = to - from;
  const tall = groupRows();
  const first = (from - base) / tall;
  const group = (<usize>(tall * job.width)) << 2;
  const tile = scoresAt(job);
  const queries = queriesAt(job) + <usize>index * ((<usize>job.width) << 5);
  const groups = (to - base + tall - 1) / tall - first;
  multiply(keysAt(job) + <usize>first * group, group, groups, queries, job.width, tile, 32, 0);
  const scores = tile + ((<usize>(from - base - first * tall)) << 5);
  const place = query + job.offset;
  if (scaled) scale(scores, many, job.scale);
  if (job.cap !== Infinity) cap(scores, many, job.cap);
  if (job.bias) addBias(job, head, query, from, scores, many);
  if (job.relative) addRelative(job, base, place, from, scores, many);
  if (job.slopes) addDistance(scores, many, load<f32>(job.slopes + (head << 2)), place, from);
  if (job.mask) hide(job, head, query, from, scores, many);
  if (job.blocks && query / job.blockQueries !== (query + rows - 1) / job.blockQueries)
    hideBlocks(job, head, query, rows, from, scores, many);
  clip(job, place, rows, from, scores, many);
  const state = (<usize>index) << 5;
  const factors = factorsAt(job) + state;
  if (!absorb(scores, many, unit, topsAt(job) + state, totalsAt(job) + state, factors)) return;
  addValues(job, from - base, many, scores, sumsAt(job) + <usize>index * sumsBytes(job.valueWidth), factors);
}

/** sums = factors · sums + valuesᵀ · probabilities; `from` counts packed keys. */
function addValues(job: Job, from: i32, many: i32, probabilities: usize, sums: usize, factors: usize): void {
  const tall = groupRows();
  const group = (<usize>(tall * count)) << 2;
  const step = (<usize>tall) << 2;
  const values = valuesAt(job) + <usize>from * step;
  if (clean) {
    multiply(values, group, (job.valueWidth + tall - 1) / tall, probabilities, many, sums, 32, factors);
    return;
  }
  for (let column = 0; column < job.valueWidth; column++) {
    const source = values + <usize>(column / tall) * group + ((<usize>(column % tall)) << 2);
    addSeenValues(source, step, probabilities, many, sums + ((<usize>column) << 5), factors);
  }
}
