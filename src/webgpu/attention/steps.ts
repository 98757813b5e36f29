/** What all programs of attention do alike, in WGSL: which queries and keys a workgroup has, and what becomes of a score. */
import type { Kind } from "../params.ts";

/** What a call has; each combination is a program. */
export interface AttentionFeatures {
  readonly windowed: boolean;
  readonly capped: boolean;
  readonly sinks: boolean;
  readonly slopes: boolean;
  readonly relative: boolean;
  readonly bias: boolean;
  readonly mask: boolean;
  readonly blocks: boolean;
  readonly lengths: boolean;
  readonly packed: boolean;
  /** Whether several workgroups share the keys of a query, each leaving a result of its own. */
  readonly split: boolean;
}

/** Parameters that all programs have. Scores are in powers of two; with a cap, `scale` is before it and `cap` after. */
export const attentionFields = {
  ...{ queries: "u32", keys: "u32", width: "u32", valueWidth: "u32", group: "u32" },
  ...{ out: "u32", outEntry: "u32", outHead: "u32", outRow: "u32", lse: "u32", lseEntry: "u32", lseHead: "u32" },
  ...{ scale: "f32", cap: "f32", left: "i32", right: "i32", offset: "i32", reach: "i32" },
  ...{ bias: "u32", biasEntry: "u32", biasHead: "u32", biasRow: "u32" },
  ...{ mask: "u32", maskEntry: "u32", maskHead: "u32", maskRow: "u32" },
  ...{ blockHead: "u32", blockRow: "u32", blockQueries: "u32", blockKeys: "u32" },
  ...{ lengthsAt: "u32", jobsAt: "u32", blocksAt: "u32", sinksAt: "u32", slopesAt: "u32", relativeAt: "u32" },
  ...{ firstHead: "u32", atEnd: "u32", minusInfinity: "u32", splits: "u32", outShare: "u32", lseShare: "u32" },
} satisfies Readonly<Record<string, Kind>>;

/** What stands beside functions: a score that hides its key, and how bytes are read. */
export const outside = `const hidden = -3.0e38;
fn byte(word: u32, at: u32) -> u32 { return (word >> (8u * (at & 3u))) & 0xffu; }`;

/** The head, entry and first query of a workgroup of so many queries, and how many queries and keys there are. */
export const opening = ({ split, lengths, packed }: AttentionFeatures, queries: number): string => `
  // Those with most keys begin.
  let turn = groups.y - 1u - group.y;
  let head = params.firstHead + group.x;
  let keyHead = group.x / params.group;
  ${split ? "let entry = group.z / params.splits;\n  let share = group.z % params.splits;" : "let entry = group.z;"}
  var count = params.queries;
  var keyCount = ${lengths ? "extras[params.lengthsAt + entry]" : "params.keys"};
  var queryStart = 0u;
  var keyStart = 0u;
  var offset = params.offset;
  var first = turn * ${queries}u;
  ${
    packed
      ? `let job = params.jobsAt + 6u * turn;
  queryStart = extras[job];
  keyStart = extras[job + 1u];
  count = extras[job + 2u];
  keyCount = extras[job + 3u];
  first = extras[job + 4u];
  offset = bitcast<i32>(extras[job + 5u]);`
      : lengths
        ? "if (params.atEnd != 0u) { offset = i32(keyCount) - i32(count); }"
        : ""
  }
  let outBase = params.out + ${split ? "share * params.outShare + " : ""}entry * params.outEntry + group.x * params.outHead + queryStart * params.outRow;
  let lseBase = params.lse + ${split ? "share * params.lseShare + " : ""}entry * params.lseEntry + group.x * params.lseHead + queryStart;`;

/** From which key to which the workgroup goes, `keys` at a time, and where what is added to its scores stands. */
export const range = (
  { bias, mask, relative, slopes, windowed, split }: AttentionFeatures,
  queries: number,
  keys: number,
): string => `
  ${bias ? "let biasAt = params.bias + entry * params.biasEntry + group.x * params.biasHead + keyStart;" : ""}
  ${mask ? "let maskAt = params.mask + entry * params.maskEntry + group.x * params.maskHead + keyStart;" : ""}
  ${relative ? "let relativeAt = params.relativeAt + head * (2u * u32(params.reach) + 1u);" : ""}
  ${slopes ? "let slope = bitcast<f32>(extras[params.slopesAt + head]) * 1.4426950408889634;" : ""}
  ${
    windowed
      ? `var keyEnd = u32(clamp(i32(first) + ${queries - 1} + offset + params.right + 1, 0, i32(keyCount)));
  var keyBegin = (u32(clamp(i32(first) + offset - params.left, 0, i32(keyCount))) / ${keys}u) * ${keys}u;`
      : `var keyEnd = keyCount;
  var keyBegin = 0u;`
  }
  ${
    split
      ? `{
    let tiles = (max(keyEnd, keyBegin) - keyBegin + ${keys - 1}u) / ${keys}u;
    let each = (tiles + params.splits - 1u) / params.splits * ${keys}u;
    keyBegin += share * each;
    keyEnd = min(keyEnd, keyBegin + each);
  }`
      : ""
  }`;

/** Goes on with the next keys if no query sees any of those from `start` on. */
export const skipping = ({ blocks }: AttentionFeatures, queries: number, keys: number): string =>
  blocks
    ? `    var any = false;
    for (var b = first / params.blockQueries; b <= (min(first + ${queries}u, count) - 1u) / params.blockQueries; b++) {
      for (var c = start / params.blockKeys; c <= (min(start + ${keys}u, keyCount) - 1u) / params.blockKeys; c++) {
        let at = head * params.blockHead + b * params.blockRow + c;
        any = any || byte(extras[params.blocksAt + at / 4u], at) != 0u;
      }
    }
    if (!any) { continue; }`
    : "";

/** Whether scores are just scaled: nothing is asked of each, and all queries see all keys from `start` on. */
export function plain(features: AttentionFeatures, queries: number, keys: number): string {
  const { windowed, capped, slopes, relative, bias, mask, blocks } = features;
  if (mask || bias || blocks || relative || slopes || capped) return "false";
  return `start + ${keys}u <= keyCount${
    windowed
      ? ` && i32(start + ${keys}u) - 1 <= i32(first) + offset + params.right && i32(start) >= i32(first) + ${queries - 1} + offset - params.left`
      : ""
  }`;
}

/**
 * What becomes of the score `s` of the i-th query of an invocation, which is `row{i}` at `place`, with a key. Without
 * branches, which some compilers of shaders take long over: what may not be read is read at place 0.
 */
export function scored(features: AttentionFeatures, i: number, s: string, key: string, scale: string): string {
  const { windowed, capped, slopes, relative, bias, mask, blocks } = features;
  const added = (entry: string) => `{
    let entry = ${entry};
    hides = hides | (entry == 0xff800000u);
    s += bitcast<f32>(select(entry, 0u, hides)) * 1.4426950408889634;
  }`;
  return `{
  let key = ${key};
  var hides = (key >= i32(keyCount)) | (row${i} >= count)${windowed ? " | (key - place > params.right) | (place - key > params.left)" : ""};
  ${
    mask
      ? `{
    let at = select(maskAt + row${i} * params.maskRow + u32(key), 0u, hides);
    hides = hides | (byte(mask[at / 4u], at) == 0u);
  }`
      : ""
  }
  ${
    blocks
      ? `{
    let at = select(head * params.blockHead + (row${i} / params.blockQueries) * params.blockRow + u32(key) / params.blockKeys, 0u, hides);
    hides = hides | (byte(extras[params.blocksAt + at / 4u], at) == 0u);
  }`
      : ""
  }
  var s = ${s}${scale};
  ${capped ? "s = params.cap * tangent(s);" : ""}
  ${slopes ? "s -= slope * f32(abs(key - place));" : ""}
  ${relative ? added("extras[relativeAt + u32(clamp(key - place, -params.reach, params.reach) + params.reach)]") : ""}
  ${bias ? added(`bias[select(biasAt + row${i} * params.biasRow + u32(key), 0u, hides)]`) : ""}
  ${s} = select(s, hidden, hides);
}`;
}

/** The greatest score so far: far above what hides a key, so that hidden ones weigh nothing even before any is seen. */
export const advance = (i: number, faded: string): string => `let most = max(most${i}, top${i});
let base = max(most, -1.0e38);
let fade = exp2(max(most${i}, -1.0e38) - base);
most${i} = most;
sum${i} *= fade;
${faded}`;

/** A sink's part of the sum of query i, where there are sinks. */
export const sinkOf = ({ sinks, split }: AttentionFeatures, i: number, faded: string): string =>
  sinks
    ? `${split ? "if (share == 0u) " : ""}{
let sink = bitcast<f32>(extras[params.sinksAt + head]) * 1.4426950408889634;
let most = max(most${i}, max(sink, -1.0e38));
let fade = exp2(max(most${i}, -1.0e38) - most);
sum${i} = select(sum${i} * fade, 0.0, most${i} < -1.0e38) + exp2(max(sink, -3.0e38) - most);
most${i} = most;
${faded}
}`
    : "";

/** Leaves the logarithm of the sum of query i. */
export const leaveLse = (i: number): string =>
  `lse[lseBase + row${i}] = select(bitcast<f32>(params.minusInfinity), (most${i} + log2(sum${i})) * 0.6931471805599453, sum${i} > 0.0);`;
