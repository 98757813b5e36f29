import type { AttentionOptions } from "../../wasm/attention/options.ts";
import { parts, type Part as Sequence } from "../../wasm/attention/parts.ts";
import { measure, type Sizes } from "../../wasm/attention/sizes.ts";
import { spread, spreadBlocks } from "../../wasm/attention/spread.ts";
import { checked } from "../../wasm/options.ts";
import { calling, type GpuCall, shown } from "../call.ts";
import { runMerging } from "../decode/merging-run.ts";
import type { Device } from "../device.ts";
import type { OnGpu } from "../options.ts";
import { part } from "../parts.ts";
import { multiplying, type Precise, precise } from "../precision.ts";
import { type FloatsAnywhere, GpuTensor } from "../tensor.ts";
import { Extras } from "./extras.ts";
import { attendInMatrices, matricesFor } from "./matrices.ts";
import type { MatricesShape } from "./matrices-program.ts";
import { attentionParams, attentionProgram } from "./program.ts";
import { type AttentionShape, keysOf, largeShapes, queriesOf, sharedBytes, smallShapes } from "./shapes.ts";

export interface GpuAttended {
  /** [H, Tq, E], or [Tq, H, E] with the tokens first; with the batch before it, if there is one. */
  readonly out: GpuTensor<"float32">;
  /** [H, Tq] or [B, H, Tq], ln of the sum of the exponentiated scores, sink included; −∞ where a query sees nothing. */
  readonly lse: GpuTensor<"float32">;
}

const log2e = Math.LOG2E;
const widest = 256;

/** Workgroups that keep a large device busy. */
const enough = 264;

/** How a call is divided among workgroups. */
export interface AttentionTuning {
  readonly shape?: AttentionShape;
  /** Into how many ranges the keys of a query are split. */
  readonly splits?: number;
  /** On matrix units, in place of `shape`. */
  readonly matrices?: Partial<MatricesShape>;
}

/** The shape for those sizes on that device, and into how many ranges the keys are split so that enough workgroups work. */
function divide(device: Device, sizes: Sizes, together: boolean, tuning: AttentionTuning) {
  const { queries, keys, heads, batch, valueWidth } = sizes;
  const { maxComputeWorkgroupStorageSize: most, maxComputeInvocationsPerWorkgroup: invocations } = device.gpu.limits;
  const fits = (shape: AttentionShape) =>
    sharedBytes(shape, subgroupsFor(device, shape)) <= most &&
    shape.across * shape.down <= invocations &&
    4 * shape.values4 * shape.across >= valueWidth;
  const groups = (shape: AttentionShape) => Math.ceil(queries / queriesOf(shape)) * heads * batch;
  // A workgroup of a range takes a few tiles of keys, else what it leaves is as much work as what it saves.
  const splits = (shape: AttentionShape) =>
    together
      ? Math.max(1, Math.min(Math.ceil((2 * enough) / groups(shape)), Math.floor(keys / (4 * keysOf(shape)))))
      : 1;
  // A large shape that leaves most of the device idle is slower than a small one.
  const busy = (shape: AttentionShape) =>
    queries >= queriesOf(shape) / 2 && splits(shape) * groups(shape) >= (3 * enough) / 4;
  const shape = tuning.shape ?? largeShapes.find((one) => fits(one) && busy(one)) ?? smallShapes.find(fits)!;
  return { shape, splits: together ? (tuning.splits ?? (groups(shape) >= enough ? 1 : splits(shape))) : 1 };
}

const subgroupsFor = (device: Device, { across }: AttentionShape): boolean => device.subgroup >= 2 * across;

/**
 * Exact softmax attention, in float32 unless `precision` allows less: q [H, Tq, D], k [Hk, Tk, D], v [Hk, Tk, E] with E up to 256, each with a batch axis
 * before them or none, as the call of `attnspec/wasm`. Scores are never kept.
 *
 * Keys that a query does not see must be finite with finite values; those beyond `lengths` are not read.
 *
 * @throws KernelError naming the argument whose shape or values do not fit.
 */
export function attention(
  device: Device,
  q: FloatsAnywhere,
  k: FloatsAnywhere,
  v: FloatsAnywhere,
  options: OnGpu<AttentionOptions> & Precise = {},
  tuning: AttentionTuning = {},
): GpuAttended {
  const {
    causal = false,
    left = Infinity,
    right = Infinity,
    cap = Infinity,
    into,
  } = checked("attention", options, precise);
  const { align = "bottom-right", layout = "heads-first", packed, lengths } = options;
  const { sinks, slopes, relative, bias, mask, blocks } = options;
  return calling("attention", device, (call) => {
    const tokensFirst = call.choose("layout", layout, ["heads-first", "tokens-first"]) === 1;
    const atEnd = call.choose("align", align, ["bottom-right", "top-left"]) === 0;
    const sizes = measure(call, { q, k, v }, tokensFirst);
    const { batch, batched, heads, keyHeads, queries, keys, width, valueWidth } = sizes;
    const { scale = 1 / Math.sqrt(width) } = options;
    if (!Number.isFinite(scale)) call.fail("scale", `scale must be a finite number, got ${scale}`);
    if (!(cap > 0)) call.fail("cap", `cap must be above 0 (Infinity for none), got ${cap}`);
    if (valueWidth > widest) call.fail("v", `v has E = ${valueWidth}; on a GPU at most ${widest}: split the values`);
    const [before, after] = [reach(call, "left", left, sizes), causal ? 0 : reach(call, "right", right, sizes)];
    for (const [name, values] of Object.entries({ sinks, slopes })) if (values) call.same(name, values, [heads]);
    if (relative) {
      call.check("relative", relative, Float32Array);
      if (relative.shape.length !== 2 || relative.shape[0] !== heads || relative.shape[1]! % 2 !== 1)
        call.fail("relative", `relative has shape ${shown(relative.shape)}, expected [H, 2R + 1] with H = ${heads}`);
    }
    const biased = spread(call, "bias", bias, sizes);
    const masked = spread(call, "mask", mask, sizes);
    const { blockHead, blockRow, blockQueries, blockKeys } = spreadBlocks(call, blocks, sizes);
    const sequences = parts(call, sizes, lengths, packed);
    if (packed && (biased.row || masked.row || blocks))
      call.fail("packed", "packed takes no blocks, and bias and mask only as [Tk]; give one call a sequence");
    const rows = tokensFirst ? [queries, heads] : [heads, queries];
    const out = call.target("into", [...(batched ? [batch] : []), ...rows, valueWidth], into, { q, k, v, bias });
    const lse = new GpuTensor(device, batched ? [batch, heads, queries] : [heads, queries], "float32");
    const group = heads / keyHeads;
    const most = device.gpu.limits.maxComputeWorkgroupsPerDimension;
    const wide = Math.max(width, valueWidth);
    const bound = device.gpu.limits.maxStorageBufferBindingSize - 256;
    const entryBytes = 4 * Math.max(heads * queries, keyHeads * keys) * wide;
    const fits = batch * entryBytes <= bound && Math.max(heads, batch) <= most;
    const { half, units } = multiplying(call, device, options);
    const matrices = units && fits && !packed ? matricesFor(device, sizes, units, tuning) : undefined;
    const { shape: chosen, splits: wanted } = divide(device, sizes, fits && !packed, tuning);
    const possible = Math.min(Math.floor(most / batch), Math.floor(bound / out.bytes));
    const splits = Math.max(1, Math.min(matrices?.splits ?? wanted, possible));
    const extras = new Extras();
    const jobs = packed ? jobsOf(sequences, queriesOf(chosen), atEnd) : [];
    const places = {
      lengthsAt: lengths ? extras.integers(Array.from(lengths)) : 0,
      jobsAt: packed ? extras.integers(jobs.flat()) : 0,
      blocksAt: blocks ? extras.bytes(blocks.seen) : 0,
      sinksAt: sinks ? extras.floats(sinks) : 0,
      slopesAt: slopes ? extras.floats(slopes) : 0,
      relativeAt: relative ? extras.floats(relative) : 0,
    };
    const windowed = before < queries + keys || after < queries + keys;
    const features = {
      ...{ windowed, capped: cap < Infinity, sinks: !!sinks, slopes: !!slopes, relative: !!relative },
      ...{ bias: !!bias, mask: !!mask, blocks: !!blocks, lengths: !!lengths, packed: !!packed },
      split: splits > 1,
    };
    const strides = (count: number, tokens: number, columns: number) => ({
      entry: count * tokens * columns,
      head: tokensFirst ? columns : tokens * columns,
      row: tokensFirst ? count * columns : columns,
    });
    const [qs, ks] = [strides(heads, queries, width), strides(keyHeads, keys, width)];
    const [vs, os] = [strides(keyHeads, keys, valueWidth), strides(heads, queries, valueWidth)];
    const tensors = { q: call.on(q, "float32"), k: call.on(k, "float32"), v: call.on(v, "float32") };
    const small = extras.size ? extras.on(call) : undefined;
    // What ranges of keys leave, one after the other, each as the whole.
    const shares = splits > 1 ? call.temporary([splits, out.size], "float32") : out;
    const sharedLse = splits > 1 ? call.temporary([splits, lse.size], "float32") : lse;
    const added = bias && call.on(bias, "float32");
    const seen = mask && call.on(mask, "uint8");
    for (const [name, tensor] of Object.entries({ bias: added, mask: seen }))
      if (tensor && tensor.bytes > device.gpu.limits.maxStorageBufferBindingSize)
        call.fail(
          name,
          `${name} of ${tensor.bytes} bytes is more than this device binds at once; give one call a part of the heads`,
        );
    if (tokensFirst && entryBytes > bound)
      call.fail("layout", "an entry is more than this device binds at once; give the heads first");
    const common = {
      ...{ queries, keys, width, valueWidth, group, outEntry: os.entry, outHead: os.head, outRow: os.row },
      ...{ lseEntry: heads * queries, lseHead: queries },
      ...{ scale: cap < Infinity ? scale / cap : scale * log2e, cap: cap < Infinity ? cap * log2e : 0 },
      ...{ left: before, right: after, offset: atEnd ? keys - queries : 0, atEnd: Number(atEnd) },
      reach: relative ? (relative.shape[1]! - 1) / 2 : 0,
      ...{ biasEntry: biased.entry, biasHead: biased.head, biasRow: biased.row },
      ...{ maskEntry: masked.entry, maskHead: masked.head, maskRow: masked.row },
      ...{ blockHead, blockRow, blockQueries, blockKeys },
      ...places,
      ...{ minusInfinity: 0xff800000, splits, outShare: out.size, lseShare: lse.size },
    };
    const others = [small, added, seen].map((tensor) => ({ buffer: tensor?.buffer ?? device.nothing }));
    // What one binding cannot hold goes to further dispatches: an entry, then the queries of one head of keys.
    const [entriesAtOnce, headsAtOnce] = fits ? [batch, heads] : tokensFirst ? [1, heads] : [1, group];
    const limits = lengths && small ? { buffer: small.buffer, at: places.lengthsAt } : undefined;
    if (matrices)
      attendInMatrices(device, call, matrices, {
        ...{ of: sizes, features, fields: common, others },
        ...{
          q: { tensor: tensors.q, ...qs },
          k: { tensor: tensors.k, ...ks, lengths: limits },
          v: { tensor: tensors.v, ...vs, lengths: limits },
        },
        ...{ out: shares, lse: sharedLse },
      });
    else {
      const program = {
        ...chosen,
        // Sums in float16 are kept short.
        ...(half && { half, features: 16, keysAtOnce: Math.min(16, chosen.keysAtOnce) }),
        vectors: [width % 4 === 0, valueWidth % 4 === 0] as const,
        evenKeys: width % (half ? 16 : chosen.features) === 0,
        evenValues: valueWidth === 4 * chosen.values4 * chosen.across,
        subgroups: subgroupsFor(device, chosen),
        ...features,
      };
      for (let entry = 0; entry < batch; entry += entriesAtOnce)
        for (let head = 0; head < heads; head += headsAtOnce) {
          const of = (t: GpuTensor, at: { entry: number; head: number }, from: number, count: number) =>
            part(
              t,
              entry * at.entry + from * at.head,
              (entriesAtOnce - 1) * at.entry + (fits || tokensFirst ? at.entry : count * at.head),
            );
          const seenBy = {
            q: of(tensors.q, qs, head, headsAtOnce),
            k: of(tensors.k, ks, head / group, headsAtOnce / group),
            v: of(tensors.v, vs, head / group, headsAtOnce / group),
            out: splits > 1 ? { buffer: shares.buffer, first: 0 } : of(out, os, head, headsAtOnce),
          };
          const lseFrom = (entry * heads + head) * queries;
          device.run({
            key: `attention ${JSON.stringify(program)}`,
            code: () => attentionProgram(program),
            params: attentionParams.fill({
              ...common,
              ...{ q: seenBy.q.first, qEntry: qs.entry, qHead: qs.head, qRow: qs.row },
              ...{ k: seenBy.k.first, kEntry: ks.entry, kHead: ks.head, kRow: ks.row },
              ...{ v: seenBy.v.first, vEntry: vs.entry, vHead: vs.head, vRow: vs.row },
              ...{ out: seenBy.out.first, lse: lseFrom },
              bias: entry * biased.entry + head * biased.head,
              mask: entry * masked.entry + head * masked.head,
              ...{ lengthsAt: places.lengthsAt + entry, firstHead: head },
            }),
            bindings: [
              ...[
                seenBy.q,
                seenBy.k,
                seenBy.v,
                { ...seenBy.out, written: true },
                { buffer: sharedLse.buffer, written: true },
              ],
              ...others,
            ],
            workgroups: [
              headsAtOnce,
              packed ? jobs.length : Math.ceil(queries / queriesOf(chosen)),
              entriesAtOnce * splits,
            ],
          });
        }
    }
    if (splits > 1) {
      const vectors = valueWidth % 4 === 0;
      runMerging(device, {
        program: { sums: false, vectors },
        ...{ values: { buffer: shares.buffer }, stats: { buffer: sharedLse.buffer } },
        at: { valuesPart: out.size / (vectors ? 4 : 1), parts: splits, stats: 0, statsRow: 1, statsPart: lse.size },
        ...{ entries: batch, heads, firstEntry: 0, firstHead: 0, allHeads: heads },
        ...{ queries, columns: valueWidth, tokensFirst, out, lse },
      });
    }
    return { out, lse };
  });
}

/** For each workgroup its sequence: where its queries and keys begin and how many there are, and its first query. */
const jobsOf = (sequences: readonly Sequence[], height: number, atEnd: boolean): number[][] =>
  sequences.flatMap(({ query, key, queries, keys }) =>
    Array.from({ length: Math.ceil(queries / height) }, (_, i) => [
      ...[query, key, queries, keys, i * height, atEnd ? keys - queries : 0],
    ]),
  );

function reach(call: GpuCall, name: string, count: number, { queries, keys }: Sizes): number {
  if (count === Infinity || (Number.isSafeInteger(count) && count >= 0)) return Math.min(count, queries + keys);
  return call.fail(name, `${name} must be a whole number of keys or Infinity, got ${count}`);
}
