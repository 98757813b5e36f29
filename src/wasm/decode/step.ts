/** What a step over tensors and a step over a cache have in common. */
import type { Arena } from "../arena.ts";
import type { Attended } from "../attention/options.ts";
import type { Call } from "../call.ts";
import type { Dots } from "../dots.ts";
import type { Exports } from "../exports.ts";
import type { Floats } from "../tensor.ts";
import { decodeJob } from "./job.ts";
import type { StepOptions } from "./options.ts";
import { rowTypes } from "./rows.ts";
import { measureOptions, type StepSizes } from "./sizes.ts";

/** Where keys and values stand, in the fields of the kernel's description. */
export type Stored = Readonly<
  Record<
    | ("k" | "v" | "kScales" | "vScales" | "pages" | "type" | "special" | "pageKeys" | "together")
    | ("kPage" | "kHead" | "kRow" | "vPage" | "vHead" | "vRow" | "scalePage" | "scaleHead" | "scaleRow"),
    number
  >
>;

/** In the order of the numbers in the kernel's description. */
const ways: readonly Dots[] = ["wide", "unsigned", "signed"];

export function choose(call: Call, name: string, value: string, among: readonly string[]): void {
  if (!among.includes(value)) call.fail(name, `${name} must be ${among.join(" or ")}, got ${value}`);
}

/** Checks the options, makes one job for each entry of the batch and runs it. */
export function step(
  call: Call,
  exports: Exports,
  arena: Arena,
  q: Floats,
  sizes: StepSizes,
  options: StepOptions,
  entries: readonly { readonly stored: Stored; readonly keys: number }[],
  inputs: Readonly<Record<string, Floats | undefined>>,
  way: { readonly dots: Dots },
): Attended {
  const { batch, batched, heads, keyHeads, queries, width, valueWidth } = sizes;
  const { sinks, slopes, bias, mask, into, layout = "heads-first" } = options;
  const tokensFirst = layout === "tokens-first";
  const { scale, cap, before, after, biased, masked } = measureOptions(call, sizes, options);
  const rows = tokensFirst ? [queries, heads] : [heads, queries];
  const out = call.target("into", [...(batched ? [batch] : []), ...rows, valueWidth], into, {
    q,
    sinks,
    slopes,
    bias,
    ...inputs,
  });
  const lse = call.region.tensor(batched ? [batch, heads, queries] : [heads, queries]);
  const optional = (name: string, values: Floats | undefined) => (values ? call.addressOf(name, values) : 0);
  const at = {
    q: call.addressOf("q", q),
    bias: optional("bias", bias),
    mask: mask ? call.addressOfBytes(mask.data) : 0,
  };
  const strides = (columns: number) => ({
    head: 4 * (tokensFirst ? columns : queries * columns),
    row: 4 * (tokensFirst ? heads * columns : columns),
  });
  const [qs, os] = [strides(width), strides(valueWidth)];
  const together = Math.max(1, ...entries.map(({ stored }) => stored.together));
  const ofHead = (heads / keyHeads) * queries;
  const common = {
    sinks: optional("sinks", sinks),
    slopes: optional("slopes", slopes),
    scratch: call.region.allocate(exports.decodeScratch(together * ofHead, together, width, valueWidth) >>> 0),
    // Found out only where it matters: it takes a moment.
    dots: ofHead === 1 && entries.some(({ stored }) => rowTypes[stored.type] === "int8") ? ways.indexOf(way.dots) : 0,
    heads,
    keyHeads,
    queries,
    width,
    valueWidth,
    qHead: qs.head,
    qRow: qs.row,
    outHead: os.head,
    outRow: os.row,
    lseHead: 4 * queries,
    maskHead: masked.head,
    maskRow: masked.row,
    biasHead: 4 * biased.head,
    biasRow: 4 * biased.row,
    left: before,
    right: after,
    scale,
    cap,
  };
  const job = call.region.allocate(decodeJob.bytes);
  entries.forEach(({ stored, keys: count }, entry) => {
    decodeJob.writeParts(arena.memory, job, common, stored, {
      q: at.q + 4 * entry * heads * queries * width,
      out: out.address + 4 * entry * heads * queries * valueWidth,
      lse: lse.address + 4 * entry * heads * queries,
      bias: at.bias && at.bias + 4 * entry * biased.entry,
      mask: at.mask && at.mask + entry * masked.entry,
      keys: count,
      offset: count - queries,
    });
    exports.decode(job);
  });
  return { out: call.result(out, into), lse: call.result(lse, undefined) };
}
