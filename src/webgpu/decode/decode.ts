import type { DecodeOptions } from "../../wasm/decode/options.ts";
import { type RowType, rowBytes, typesOf } from "../../wasm/decode/rows.ts";
import { measureOptions, measureStep } from "../../wasm/decode/sizes.ts";
import { checked } from "../../wasm/options.ts";
import type { GpuAttended } from "../attention/attention.ts";
import { Extras } from "../attention/extras.ts";
import { calling, type GpuCall } from "../call.ts";
import type { Device } from "../device.ts";
import type { OnGpu } from "../options.ts";
import { part, runs } from "../parts.ts";
import { type FloatsAnywhere, GpuTensor } from "../tensor.ts";
import { runMerging } from "./merging-run.ts";
import { decodeParams, decodeProgram } from "./program.ts";
import { type GpuIntegerRows, type GpuRows, gpuTypeOf } from "./rows.ts";
import { type DecodeShape, keysOfRound, perWord, shapeFor } from "./shapes.ts";

/** Workgroups that keep a large device busy. */
const enough = 2112;

/** How a decode step is divided; for tuning. */
export interface DecodeTuning {
  readonly shape?: Partial<DecodeShape>;
  /** Workgroups to aim at: as many ranges of keys are made. */
  readonly workgroups?: number;
}

/**
 * Exact softmax attention of a few queries over many keys, in float32: q [H, Tq, D], k [Hk, Tk, D], v [Hk, Tk, E], each
 * with a batch axis before them or none, or k and v as pools of pages, as the call of `attnspec/wasm`. Ranges of the keys
 * are worked out side by side and merged; up to 16 queries that share keys read them once.
 *
 * Keys and values are both float32, float16 (as bits) or int8 with a scale for each token and head. Those that a query does
 * not see must be finite, unless they lie beyond `lengths` or before the window of all queries: then they are not read.
 *
 * @throws KernelError naming the argument whose shape or values do not fit.
 */
export function decode(
  device: Device,
  q: FloatsAnywhere,
  k: GpuRows,
  v: GpuRows,
  options: OnGpu<DecodeOptions> = {},
  tuning: DecodeTuning = {},
): GpuAttended {
  const { layout = "heads-first", lengths, pages, sinks, slopes, bias, mask, into } = checked("decode", options);
  return calling("decode", device, (call) => {
    const tokensFirst = call.choose("layout", layout, ["heads-first", "tokens-first"]) === 1;
    const type = typesOf(call, k, v, (_, name, rows) => gpuTypeOf(call, name, rows));
    const { sizes, outer, tokens, many, counts } = measureStep(call, q, k, v, tokensFirst, options);
    const { scale, cap, before, after, biased, masked } = measureOptions(call, sizes, options);
    const { batch, batched, heads, keyHeads, queries, keys, width, valueWidth } = sizes;
    const inputs = { q, k, v, bias, sinks, slopes };
    const lead = batched ? [batch] : [];
    const shape = [...lead, ...(tokensFirst ? [queries, heads] : [heads, queries]), valueWidth];
    const out = call.target("into", shape, into, inputs);
    const lse = new GpuTensor(device, [...lead, heads, queries], "float32");
    if (batch * heads * queries === 0) return { out, lse };

    const group = heads / keyHeads;
    const rows = group * queries;
    const vectors = [width % perWord[type] === 0, valueWidth % 4 === 0] as const;
    const per = vectors[0] ? perWord[type] : 4;
    const words = Math.ceil(width / per);
    const limits = device.gpu.limits;
    const asked = {
      ...shapeFor(
        { rows, features: words * per, columns: valueWidth },
        device.subgroup,
        limits.maxComputeWorkgroupStorageSize,
      ),
      ...tuning.shape,
    };
    const chosen = { ...asked, lanes: Math.min(asked.lanes, asked.threads / asked.rows) };
    const program = {
      ...{ ...chosen, type, vectors },
      subgroups: device.subgroup >= Math.max(chosen.across, chosen.lanes),
      ...{ capped: cap < Infinity, slopes: !!slopes, bias: !!bias, mask: !!mask },
      ...{ lengths: batched && !!lengths, paged: !!pages },
    };

    const extras = new Extras();
    const places = {
      lengthsAt: program.lengths ? extras.integers(counts) : 0,
      pagesAt: pages ? extras.integers(pages.data) : 0,
      slopesAt: slopes ? extras.floats(slopes) : 0,
    };
    // The queries too, so that eight bindings are enough for all options at once.
    const alone = extras.size === 0 && q instanceof GpuTensor;
    const qAt = alone ? 0 : extras.floats(q);
    const small = alone ? q : extras.on(call);
    const tensors = { k: call.on(k, type), v: call.on(v, type) };
    const whole = {
      bias: bias && call.on(bias, "float32"),
      mask: mask && call.on(mask, "uint8"),
      sinks: sinks && call.on(sinks, "float32"),
      kScales: type === "int8" ? call.on((k as GpuIntegerRows).scales, "float32") : undefined,
      vScales: type === "int8" ? call.on((v as GpuIntegerRows).scales, "float32") : undefined,
    };
    const bound = limits.maxStorageBufferBindingSize - 256;
    for (const [name, tensor] of Object.entries({ q: small, ...whole }))
      if (tensor && tensor.bytes > bound)
        call.fail(name, `${name} of ${tensor.bytes} bytes is more than this device binds at once; split it over calls`);

    const strides = (count: number, most: number, columns: number) => ({
      entry: count * most * columns,
      head: tokensFirst ? columns : most * columns,
      row: tokensFirst ? count * columns : columns,
    });
    const [qs, ks] = [strides(heads, queries, width), strides(keyHeads, tokens, width)];
    const [vs, ss] = [strides(keyHeads, tokens, valueWidth), strides(keyHeads, tokens, 1)];
    const columns4 = Math.ceil(valueWidth / 4);
    const tiles = Math.ceil(rows / chosen.rows);
    const most = limits.maxComputeWorkgroupsPerDimension;
    const division = divide(call, {
      ...{ batch, keyHeads, keys, tokensFirst, paged: !!pages, bound, most, rowBytes: 16 * rows * (columns4 + 1) },
      // What one key of all heads, or of one, takes.
      ...{ k: tensors.k, v: tensors.v, keyBytes: (tokensFirst ? keyHeads : 1) * Math.max(width, valueWidth) },
      ...{ type, window: Math.min(keys, before + after + queries), round: keysOfRound(chosen) },
      workgroups: (tuning.workgroups ?? enough) / tiles,
    });
    if (tiles > most) call.fail("q", `q has ${rows} rows for each head of k; split the queries over calls`);

    for (const [entry, entries] of runs(batch, division.entries))
      for (const [head, some] of runs(keyHeads, division.heads)) {
        const unit = entries * some * rows;
        const allSplits = division.runs.reduce((sum, { splits }) => sum + splits, 0);
        const statsAt = unit * allSplits * columns4;
        const partial = call.temporary([statsAt + unit * allSplits, 4], "float32");
        let splitAt = 0;
        for (const { from, count, splits } of division.runs) {
          // The keys of this run, of these entries and heads, or all pages.
          const of = (tensor: GpuTensor, at: typeof ks, columns: number) =>
            pages
              ? part(tensor, 0, outer * at.entry)
              : part(
                  tensor,
                  entry * at.entry + head * at.head + from * at.row,
                  (entries - 1) * at.entry + (some - 1) * at.head + Math.max(0, count - 1) * at.row + columns,
                );
          const [kPart, vPart] = [of(tensors.k, ks, width), of(tensors.v, vs, valueWidth)];
          const [kPer, vPer] = [vectors[0] ? per : 1, vectors[1] ? 4 : 1];
          const own = pages ? 0 : entry * ss.entry;
          for (const [column4, some4] of runs(Math.max(1, columns4), chosen.valueLanes))
            device.run({
              key: `decode ${JSON.stringify(program)}`,
              code: () => decodeProgram(program),
              params: decodeParams.fill({
                ...{ queries, rows, keyHeads: some, keys: counts[0]!, keyFrom: from, keyTo: from + count },
                ...{ width, words, valueWidth: valueWidth - 4 * column4 },
                ...{
                  q: qAt + entry * qs.entry + head * group * qs.head,
                  qEntry: qs.entry,
                  qHead: qs.head,
                  qRow: qs.row,
                },
                k: (kPart.first + (pages ? head * ks.head : -from * ks.row)) / kPer,
                ...{ kEntry: ks.entry / kPer, kHead: ks.head / kPer, kRow: ks.row / kPer },
                v: (vPart.first + 4 * column4 + (pages ? head * vs.head : -from * vs.row)) / vPer,
                ...{ vEntry: vs.entry / vPer, vHead: vs.head / vPer, vRow: vs.row / vPer },
                ...{ kScales: own + head * ss.head, vScales: own + head * ss.head },
                ...{ scaleEntry: ss.entry, scaleHead: ss.head, scaleRow: ss.row },
                bias: entry * biased.entry + head * group * biased.head,
                ...{ biasEntry: biased.entry, biasHead: biased.head, biasRow: biased.row },
                mask: entry * masked.entry + head * group * masked.head,
                ...{ maskEntry: masked.entry, maskHead: masked.head, maskRow: masked.row },
                lengthsAt: places.lengthsAt + entry,
                slopesAt: places.slopesAt + head * group,
                pagesAt: places.pagesAt + entry * many,
                ...{ pages: many, pageKeys: Math.max(1, tokens) },
                ...(cap < Infinity
                  ? { scale: scale / cap, cap: cap * Math.LOG2E }
                  : { scale: scale * Math.LOG2E, cap: 0 }),
                ...{ left: before, right: after, splits, splitAt, allSplits, statsAt },
                ...{ column4, columns4: some4, columnsAll4: columns4 },
              }),
              bindings: [
                ...[kPart, vPart, { buffer: partial.buffer, written: true }],
                ...[small, whole.bias, whole.mask, whole.kScales, whole.vScales]
                  .filter((tensor) => tensor !== undefined)
                  .map(({ buffer }) => ({ buffer })),
              ],
              workgroups: [tiles, splits, entries * some],
            });
          splitAt += splits;
        }
        runMerging(device, {
          program: { sums: true, vectors: true },
          ...{ values: { buffer: partial.buffer }, stats: { buffer: partial.buffer } },
          valuesRow: allSplits * columns4,
          at: {
            ...{ valuesPart: columns4, parts: allSplits },
            ...{ stats: 4 * statsAt, statsRow: 4 * allSplits, statsPart: 4 },
          },
          ...{ entries, heads: some * group, firstEntry: entry, firstHead: head * group, allHeads: heads },
          ...{ queries, columns: valueWidth, tokensFirst, out, lse, sinks: whole.sinks },
        });
      }
    return { out, lse };
  });
}

interface Divided {
  readonly batch: number;
  readonly keyHeads: number;
  readonly keys: number;
  readonly tokensFirst: boolean;
  readonly paged: boolean;
  readonly k: GpuTensor;
  readonly v: GpuTensor;
  readonly type: RowType;
  readonly keyBytes: number;
  /** What a range of keys leaves of one head of them. */
  readonly rowBytes: number;
  readonly bound: number;
  readonly most: number;
  /** Keys that can be seen at all. */
  readonly window: number;
  readonly round: number;
  readonly workgroups: number;
}

/** Entries, heads and keys that go together, as far as bindings reach, and into how many ranges the keys are split. */
function divide(call: GpuCall, divided: Divided) {
  const { batch, keyHeads, keys, tokensFirst, paged, k, v, type, bound, most, round, rowBytes: left } = divided;
  const fits = Math.max(k.bytes, v.bytes) <= bound && batch * keyHeads <= most && batch * keyHeads * left <= bound;
  if (!fits && paged && Math.max(k.bytes, v.bytes) > bound)
    call.fail("k", `a pool of ${k.bytes} bytes is more than this device binds at once; keep several and merge`);
  const entries = fits ? batch : 1;
  const heads = fits || (tokensFirst && keyHeads * left <= bound) ? keyHeads : 1;
  if (left > bound)
    call.fail("q", `what q leaves of a range of keys is more than this device binds at once; split the queries`);
  const longest = fits || paged ? keys : Math.max(1, Math.floor(bound / (divided.keyBytes * rowBytes[type])));
  const all = keys === 0 ? [[0, 0] as const] : [...runs(keys, longest)];
  const wanted = Math.ceil(divided.workgroups / (entries * heads * all.length));
  const room = Math.max(1, Math.floor(bound / (entries * heads * left * all.length)));
  const split = (count: number) =>
    Math.max(1, Math.min(wanted, room, most, Math.ceil(Math.min(count, divided.window) / (2 * round))));
  return { entries, heads, runs: all.map(([from, count]) => ({ from, count, splits: split(count) })) };
}
