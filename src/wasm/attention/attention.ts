import type { Arena } from "../arena.ts";
import { type Call, calling, shown } from "../call.ts";
import type { Exports } from "../exports.ts";
import type { Floats } from "../tensor.ts";
import { attendJob } from "./job.ts";
import type { Attended, AttentionOptions } from "./options.ts";
import { parts } from "./parts.ts";
import { measure, type Sizes } from "./sizes.ts";
import { spread, spreadBlocks } from "./spread.ts";

/**
 * Exact softmax attention in float32: q [H, Tq, D], k [Hk, Tk, D], v [Hk, Tk, E], each with a batch axis before them or
 * none. H is a multiple of Hk; neighbouring heads share keys and values. Scores are never kept: memory is linear in Tk,
 * and keys outside the window or in hidden blocks cost nothing.
 *
 * A query that sees no key gets zeros. What a query does not see never reaches its result, be it NaN. Weights below
 * 2^−100 of a query's largest count as 0.
 *
 * @throws KernelError naming the argument whose shape or values do not fit.
 */
export function attention(
  exports: Exports,
  arena: Arena,
  q: Floats,
  k: Floats,
  v: Floats,
  options: AttentionOptions = {},
): Attended {
  const { causal = false, left = Infinity, right = Infinity, cap = Infinity, into } = options;
  const { align = "bottom-right", layout = "heads-first", packed, lengths } = options;
  const { sinks, slopes, relative, bias, mask, blocks } = options;
  return calling("attention", arena, (call) => {
    const tokensFirst = choose(call, "layout", layout, ["heads-first", "tokens-first"]) === "tokens-first";
    const sizes = measure(call, { q, k, v }, tokensFirst);
    const { batch, batched, heads, keyHeads, queries, keys, width, valueWidth } = sizes;
    const { scale = 1 / Math.sqrt(width) } = options;
    choose(call, "align", align, ["bottom-right", "top-left"]);
    if (!Number.isFinite(scale)) call.fail("scale", `scale must be a finite number, got ${scale}`);
    if (!(cap > 0)) call.fail("cap", `cap must be above 0 (Infinity for none), got ${cap}`);
    const [before, after] = [reach(call, "left", left, sizes), causal ? 0 : reach(call, "right", right, sizes)];
    for (const [name, values] of Object.entries({ sinks, slopes })) {
      if (!values) continue;
      call.check(name, values, Float32Array);
      if (values.shape.length !== 1 || values.shape[0] !== heads)
        call.fail(name, `${name} has shape ${shown(values.shape)}, expected [H] = [${heads}]`);
    }
    if (relative) {
      call.check("relative", relative, Float32Array);
      if (relative.shape.length !== 2 || relative.shape[0] !== heads || relative.shape[1]! % 2 !== 1)
        call.fail("relative", `relative has shape ${shown(relative.shape)}, expected [H, 2R + 1] with H = ${heads}`);
    }
    const biased = spread(call, "bias", bias, sizes);
    const masked = spread(call, "mask", mask, sizes);
    const blocked = spreadBlocks(call, blocks, sizes);
    const sequences = parts(call, sizes, lengths, packed);
    if (packed && (biased.row || masked.row || blocks))
      call.fail("packed", "packed takes no blocks, and bias and mask only as [Tk]; give one call a sequence");
    const optional = (name: string, values: Floats | undefined) => (values ? call.addressOf(name, values) : 0);
    const rows = tokensFirst ? [queries, heads] : [heads, queries];
    const out = call.target("into", [...(batched ? [batch] : []), ...rows, valueWidth], into, {
      q,
      k,
      v,
      sinks,
      slopes,
      relative,
      bias,
    });
    const lse = call.region.tensor(batched ? [batch, heads, queries] : [heads, queries]);
    const at = { q: call.addressOf("q", q), k: call.addressOf("k", k), v: call.addressOf("v", v) };
    const maskAt = mask ? call.addressOfBytes(mask.data) : 0;
    const biasAt = optional("bias", bias);
    const strides = (count: number, tokens: number, columns: number) => ({
      entry: 4 * count * tokens * columns,
      head: 4 * (tokensFirst ? columns : tokens * columns),
      row: 4 * (tokensFirst ? count * columns : columns),
    });
    const [qs, ks] = [strides(heads, queries, width), strides(keyHeads, keys, width)];
    const [vs, os] = [strides(keyHeads, keys, valueWidth), strides(heads, queries, valueWidth)];
    const span = Math.min(keys, queries + before + after + 12);
    const common = {
      sinks: optional("sinks", sinks),
      slopes: optional("slopes", slopes),
      relative: optional("relative", relative),
      blocks: blocks ? call.addressOfBytes(blocks.seen.data) : 0,
      scratch: call.region.allocate(exports.attendScratch(span, width, valueWidth, queries, Number(!!relative)) >>> 0),
      heads,
      keyHeads,
      width,
      valueWidth,
      span,
      qHead: qs.head,
      qRow: qs.row,
      kHead: ks.head,
      kRow: ks.row,
      vHead: vs.head,
      vRow: vs.row,
      outHead: os.head,
      outRow: os.row,
      lseHead: 4 * queries,
      maskHead: masked.head,
      maskRow: masked.row,
      maskKey: masked.key,
      biasHead: 4 * biased.head,
      biasRow: 4 * biased.row,
      biasKey: 4 * biased.key,
      reach: relative ? (relative.shape[1]! - 1) / 2 : 0,
      left: before,
      right: after,
      scale,
      cap,
    };
    const job = call.region.allocate(attendJob.bytes);
    for (const part of sequences) {
      attendJob.writeParts(arena.memory, job, common, blocked, {
        q: at.q + part.entry * qs.entry + part.query * qs.row,
        k: at.k + part.entry * ks.entry + part.key * ks.row,
        v: at.v + part.entry * vs.entry + part.key * vs.row,
        out: out.address + part.entry * os.entry + part.query * os.row,
        lse: lse.address + 4 * (part.entry * heads * queries + part.query),
        mask: maskAt && maskAt + part.entry * masked.entry + part.key * masked.key,
        bias: biasAt && biasAt + 4 * (part.entry * biased.entry + part.key * biased.key),
        queries: part.queries,
        keys: part.keys,
        offset: align === "top-left" ? 0 : part.keys - part.queries,
      });
      exports.attend(job);
    }
    return { out: call.result(out, into), lse: call.result(lse, undefined) };
  });
}

function choose(call: Call, name: string, value: string, among: readonly string[]): string {
  if (!among.includes(value)) call.fail(name, `${name} must be ${among.join(" or ")}, got ${value}`);
  return value;
}

function reach(call: Call, name: string, count: number, { queries, keys }: Sizes): number {
  if (count === Infinity || (Number.isSafeInteger(count) && count >= 0)) return Math.min(count, queries + keys);
  return call.fail(name, `${name} must be a whole number of keys or Infinity, got ${count}`);
}
