/** The lengths and options of a decode step, checked, for any backend. */
import type { Sizes } from "../attention/sizes.ts";
import { spread } from "../attention/spread.ts";
import { type Checks, type Shaped, shown } from "../checks.ts";
import type { DecodeOptions, StepOptions } from "./options.ts";

/** Lengths of the axes of a step; `keys` is how many there is room for. */
export type StepSizes = Sizes;

/** Reads the lengths of q, [H, Tq, D], [Tq, H, D] or either with a batch before. */
export function measureQueries(call: Checks, q: Shaped, tokensFirst: boolean) {
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

/** The lengths of all, of keys and values in tensors or in pools of pages; what kinds of rows they are is checked before. */
export function measureStep(
  call: Checks,
  q: Shaped,
  k: Shaped,
  v: Shaped,
  tokensFirst: boolean,
  { lengths, pages }: Pick<DecodeOptions, "lengths" | "pages">,
) {
  const asked = measureQueries(call, q, tokensFirst);
  const { batch, batched } = asked;
  const found = measureRows(call, k, v, tokensFirst, pages ? "pages" : batched ? "batch" : "none");
  const { keyHeads, tokens, width, valueWidth, outer } = found;
  if (width !== asked.width) call.fail("k", `k has D = ${width}, but q has D = ${asked.width}`);
  if (batched && !pages && outer !== batch) call.fail("k", `k has B = ${outer}, but q has B = ${batch}`);
  if (pages) checkPages(call, pages, batched, batch, outer);
  const many = pages ? pages.shape.at(-1)! : 1;
  const keys = many * tokens;
  if (lengths && lengths.length !== batch)
    call.fail("lengths", `lengths has ${lengths.length} numbers, expected [B] = [${batch}]`);
  const counts = Array.from({ length: batch }, (_, entry) => {
    const count = lengths ? lengths[entry]! : keys;
    if (!Number.isSafeInteger(count) || count < 0 || count > keys)
      call.fail("lengths", `lengths[${entry}] must be a whole number of keys from 0 to ${keys}, got ${count}`);
    return count;
  });
  const sizes: StepSizes = { ...asked, keyHeads, keys, valueWidth };
  /** `outer` entries or pages of `tokens` each; each entry has `many` of them and `counts` keys. */
  return { sizes, outer, tokens, many, counts };
}

function measureRows(call: Checks, k: Shaped, v: Shaped, tokensFirst: boolean, first: "pages" | "batch" | "none") {
  const letters = tokensFirst ? ["Tk", "Hk"] : ["Hk", "Tk"];
  if (first !== "none") letters.unshift(first === "pages" ? "P" : "B");
  for (const [name, rows, last] of [
    ["k", k, "D"],
    ["v", v, "E"],
  ] as const) {
    const { shape } = rows;
    if (shape.length !== letters.length + 1)
      call.fail(name, `${name} has shape ${shown(shape)}, expected ${shown([...letters, last])}`);
    letters.forEach((letter, axis) => {
      if (shape[axis] !== k.shape[axis])
        call.fail(name, `${name} has ${letter} = ${shape[axis]}, but k has ${letter} = ${k.shape[axis]}`);
    });
  }
  const of = (letter: string) => k.shape[letters.indexOf(letter)]!;
  return {
    outer: first === "none" ? 1 : k.shape[0]!,
    ...{ keyHeads: of("Hk"), tokens: of("Tk"), width: k.shape.at(-1)!, valueWidth: v.shape.at(-1)! },
  };
}

function checkPages(
  call: Checks,
  { shape, data }: NonNullable<DecodeOptions["pages"]>,
  batched: boolean,
  batch: number,
  count: number,
): void {
  const expected = batched ? `[B, pages] with B = ${batch}` : "[pages]";
  if (!(data instanceof Int32Array)) call.fail("pages", "pages must hold an Int32Array");
  if (shape.length !== (batched ? 2 : 1) || (batched && shape[0] !== batch))
    call.fail("pages", `pages has shape ${shown(shape)}, expected ${expected}`);
  if (data.length !== shape.reduce((product, length) => product * length, 1))
    call.fail("pages", `pages has ${data.length} numbers, but its shape ${shown(shape)} holds another number`);
  const bad = data.findIndex((page) => page < 0 || page >= count);
  if (bad >= 0) call.fail("pages", `pages holds ${data[bad]} at ${bad}, but the pool has pages 0 to ${count - 1}`);
}

/** The options of a step with tensors of any backend. */
type Given = {
  readonly [Name in keyof Omit<StepOptions, "into">]: StepOptions[Name] extends { readonly shape: unknown } | undefined
    ? Shaped | undefined
    : StepOptions[Name];
};

/** Checks what changes the scores, and says how far a query sees and where biases and masks stand. */
export function measureOptions(call: Checks, sizes: StepSizes, options: Given) {
  const { heads, keyHeads, queries, keys, width } = sizes;
  const { scale = 1 / Math.sqrt(width), causal = true, left = Infinity, right = Infinity, cap = Infinity } = options;
  const { sinks, slopes, bias, mask } = options;
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
  const [biased, masked] = [spread(call, "bias", bias, sizes), spread(call, "mask", mask, sizes)];
  return { scale, cap, before, after, biased, masked };
}
