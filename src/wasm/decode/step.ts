/** What a step over tensors and a step over a cache have in common. */
import type { Arena } from "../arena.ts";
import type { Attended } from "../attention/options.ts";
import { spread } from "../attention/spread.ts";
import { type Call, shown } from "../call.ts";
import type { Exports } from "../exports.ts";
import type { Floats } from "../tensor.ts";
import { decodeJob } from "./job.ts";
import type { StepOptions } from "./options.ts";

/** Lengths of the axes of a step. */
export interface StepSizes {
  readonly batch: number;
  readonly batched: boolean;
  readonly heads: number;
  readonly keyHeads: number;
  readonly queries: number;
  /** Keys there is room for; the axis of bias and mask. */
  readonly keys: number;
  readonly width: number;
  readonly valueWidth: number;
}

/** Where keys and values stand, in the fields of the kernel's description. */
export type Stored = Readonly<
  Record<
    | ("k" | "v" | "kScales" | "vScales" | "pages" | "type" | "special" | "pageKeys" | "together")
    | ("kPage" | "kHead" | "kRow" | "vPage" | "vHead" | "vRow" | "scalePage" | "scaleHead" | "scaleRow"),
    number
  >
>;

/** Reads the lengths of q, [H, Tq, D], [Tq, H, D] or either with a batch before. */
export function measureQueries(call: Call, q: Floats, tokensFirst: boolean) {
  call.check("q", q, Float32Array);
  const { shape } = q;
  if (shape.length !== 3 && shape.length !== 4)
    call.fail("q", `q has shape ${shown(shape)}, expected ${tokensFirst ? "[Tq, H, D]" : "[H, Tq, D]"}, or B before`);
  const [first, second, width] = shape.slice(-3) as [number, number, number];
  const batched = shape.length === 4;
  return {
    ...(tokensFirst ? { queries: first, heads: second } : { heads: first, queries: second }),
    ...{ width, batched, batch: batched ? shape[0]! : 1 },
  };
}

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
): Attended {
  const { batch, batched, heads, keyHeads, queries, keys, width, valueWidth } = sizes;
  const { scale = 1 / Math.sqrt(width), causal = true, left = Infinity, right = Infinity, cap = Infinity } = options;
  const { sinks, slopes, bias, mask, into, layout = "heads-first" } = options;
  const tokensFirst = layout === "tokens-first";
  if (keyHeads === 0 || heads % keyHeads !== 0)
    call.fail("q", `H must be a multiple of Hk: got H = ${heads}, Hk = ${keyHeads}`);
  if (keys > 2 ** 24) call.fail("k", `there are ${keys} keys; at most 2^24 are supported: split them over calls`);
  if (!Number.isFinite(scale)) call.fail("scale", `scale must be a finite number, got ${scale}`);
  if (!(cap > 0)) call.fail("cap", `cap must be above 0 (Infinity for none), got ${cap}`);
  const reach = (name: string, count: number): number =>
    count === Infinity || (Number.isSafeInteger(count) && count >= 0)
      ? Math.min(count, queries + keys)
      : call.fail(name, `${name} must be a whole number of keys or Infinity, got ${count}`);
  const [before, after] = [reach("left", left), causal ? 0 : reach("right", right)];
  for (const [name, values] of Object.entries({ sinks, slopes })) {
    if (!values) continue;
    call.check(name, values, Float32Array);
    if (values.shape.length !== 1 || values.shape[0] !== heads)
      call.fail(name, `${name} has shape ${shown(values.shape)}, expected [H] = [${heads}]`);
  }
  const biased = spread(call, "bias", bias, sizes);
  const masked = spread(call, "mask", mask, sizes);
  const rows = tokensFirst ? [queries, heads] : [heads, queries];
  const out = call.target("into", [...(batched ? [batch] : []), ...rows, valueWidth], into, {
    ...{ q, sinks, slopes, bias },
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
    ...{ heads, keyHeads, queries, width, valueWidth },
    ...{ qHead: qs.head, qRow: qs.row, outHead: os.head, outRow: os.row, lseHead: 4 * queries },
    ...{ maskHead: masked.head, maskRow: masked.row, biasHead: 4 * biased.head, biasRow: 4 * biased.row },
    ...{ left: before, right: after, scale, cap },
  };
  const job = call.region.allocate(decodeJob.bytes);
  entries.forEach(({ stored, keys: count }, entry) => {
    decodeJob.write(arena.memory, job, {
      ...common,
      ...stored,
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
