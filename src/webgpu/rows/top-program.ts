/** The largest of rows, and where they stand. */
import { params } from "../params.ts";
import { storage } from "../wgsl.ts";
import { entry, placed, rank, threads } from "./layout.ts";

export const argmaxParams = params({ rows: "u32", width: "u32", x: "u32", out: "u32" });

export function argmaxProgram(lanes: number): string {
  return `${argmaxParams.wgsl}
${storage(1, "x", "u32")}
${storage(2, "out", "u32", true)}
var<workgroup> tops: array<u32, ${threads}>;
var<workgroup> places: array<u32, ${threads}>;
${rank}
${entry} {
${placed(lanes)}
  let start = params.x + select(0u, row, works) * params.width;
  var most = 0u;
  var place = 0u;
  if (works) {
    for (var i = lane; i < params.width; i += ${lanes}u) {
      let next = rank(x[start + i]);
      place = select(place, i, next > most);
      most = max(most, next);
    }
  }
  tops[local] = most;
  places[local] = place;
  workgroupBarrier();
  for (var half = ${lanes / 2}u; half > 0u; half /= 2u) {
    if (lane < half) {
      let other = tops[local + half];
      let earlier = places[local + half] < places[local];
      if ((other > tops[local]) | ((other == tops[local]) & earlier)) {
        tops[local] = other;
        places[local] = places[local + half];
      }
    }
    workgroupBarrier();
  }
  if (works & (lane == 0u)) { out[params.out + row] = places[local]; }
}
`;
}

/** How many of a row there may be. */
export const mostTop = 1024;

/** `sorted` is the power of two from `count` on. */
export const topParams = params({
  ...{ rows: "u32", width: "u32", x: "u32", values: "u32", indices: "u32", count: "u32", sorted: "u32" },
});

/**
 * Byte by byte, from the highest on, the rank of the last that is taken is found by how many have each; if not all of that
 * rank are taken, then so is the last place. What is taken is sorted.
 */
export const topProgram = (): string => `${topParams.wgsl}
${storage(1, "x", "u32")}
${storage(2, "values", "u32", true)}
${storage(3, "indices", "u32", true)}
var<workgroup> counts: array<atomic<u32>, ${threads}>;
var<workgroup> above: array<u32, ${threads}>;
var<workgroup> ranks: array<u32, ${mostTop}>;
var<workgroup> places: array<u32, ${mostTop}>;
var<workgroup> taken: atomic<u32>;
var<workgroup> chosen: u32;
var<workgroup> beyond: u32;
var<workgroup> exact: u32;
${rank}
${entry} {
  let row = group.x + group.y * groups.x;
  if (row >= params.rows) { return; }
  let start = params.x + row * params.width;
  var need = params.count;
  var prefix = 0u;
  var mask = 0u;
  var threshold = 0u;
  for (var turn = 0u; turn < 8u; turn++) {
    let shift = 24u - 8u * (turn & 3u);
    atomicStore(&counts[local], 0u);
    workgroupBarrier();
    for (var i = local; i < params.width; i += ${threads}u) {
      let own = rank(x[start + i]);
      let key = select(own, ~i, turn > 3u);
      if (((key & mask) == prefix) & ((turn < 4u) | (own == threshold))) { atomicAdd(&counts[(key >> shift) & 255u], 1u); }
    }
    workgroupBarrier();
    above[local] = atomicLoad(&counts[local]);
    workgroupBarrier();
    for (var step = 1u; step < ${threads}u; step *= 2u) {
      var more = 0u;
      if (local + step < ${threads}u) { more = above[local + step]; }
      workgroupBarrier();
      above[local] += more;
      workgroupBarrier();
    }
    var higher = 0u;
    if (local + 1u < ${threads}u) { higher = above[local + 1u]; }
    if ((above[local] >= need) & (higher < need)) {
      chosen = local;
      beyond = higher;
      exact = select(0u, 1u, above[local] == need);
    }
    need -= workgroupUniformLoad(&beyond);
    prefix |= workgroupUniformLoad(&chosen) << shift;
    mask |= 255u << shift;
    let all = workgroupUniformLoad(&exact);
    if (turn == 3u) {
      threshold = prefix;
      prefix = 0u;
      mask = 0u;
      if (all == 1u) { break; }
    }
  }
  if (local == 0u) { atomicStore(&taken, 0u); }
  for (var i = local; i < params.sorted; i += ${threads}u) {
    ranks[i] = 0u;
    places[i] = 0xffffffffu;
  }
  workgroupBarrier();
  for (var i = local; i < params.width; i += ${threads}u) {
    let own = rank(x[start + i]);
    if ((own > threshold) | ((own == threshold) & (~i >= prefix))) {
      let slot = atomicAdd(&taken, 1u);
      ranks[slot] = own;
      places[slot] = i;
    }
  }
  workgroupBarrier();
  for (var size = 2u; size <= params.sorted; size *= 2u) {
    for (var step = size / 2u; step > 0u; step /= 2u) {
      for (var n = local; n < params.sorted / 2u; n += ${threads}u) {
        let i = (n / step) * 2u * step + n % step;
        let j = i + step;
        let before = (ranks[i] > ranks[j]) | ((ranks[i] == ranks[j]) & (places[i] < places[j]));
        if (before == ((i & size) != 0u)) {
          let kept = vec2u(ranks[i], places[i]);
          ranks[i] = ranks[j];
          places[i] = places[j];
          ranks[j] = kept.x;
          places[j] = kept.y;
        }
      }
      workgroupBarrier();
    }
  }
  for (var i = local; i < params.count; i += ${threads}u) {
    values[params.values + row * params.count + i] = x[start + places[i]];
    indices[params.indices + row * params.count + i] = places[i];
  }
}
`;
