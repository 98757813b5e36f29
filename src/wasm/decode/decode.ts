import type { Arena } from "../arena.ts";
import type { Attended } from "../attention/options.ts";
import { type Call, calling, shown } from "../call.ts";
import type { Exports } from "../exports.ts";
import type { Floats } from "../tensor.ts";
import type { DecodeOptions } from "./options.ts";
import { type IntegerRows, type Rows, type RowType, rowBytes, rowTypes, typeOf } from "./rows.ts";
import { choose, measureQueries, type Stored, step } from "./step.ts";

/**
 * Exact softmax attention of a few queries over many keys, in float32: q [H, Tq, D], k [Hk, Tk, D], v [Hk, Tk, E], each
 * with a batch axis before them or none, or k and v as pools of pages. H is a multiple of Hk; neighbouring heads share
 * keys and values, each of which is read once for all queries. Nothing is packed: only tensors of the kernels' memory
 * cost no copy, and other types than float32 always do; a {@link Cache} holds them in place.
 *
 * Keys and values are both float32, float16 or int8 with a scale for each token and head. A query that sees no key gets
 * zeros. What a query does not see never reaches its result, be it NaN. Weights below 2^−100 of a query's largest count
 * as 0. With one query a key head, int8 meets queries and weights in 30 bits, counted from the largest of a row or block.
 *
 * @throws KernelError naming the argument whose shape or values do not fit.
 */
export function decode(
  exports: Exports,
  arena: Arena,
  q: Floats,
  k: Rows,
  v: Rows,
  options: DecodeOptions = {},
): Attended {
  const { layout = "heads-first", lengths, pages } = options;
  return calling("decode", arena, (call) => {
    choose(call, "layout", layout, ["heads-first", "tokens-first"]);
    const tokensFirst = layout === "tokens-first";
    const asked = measureQueries(call, q, tokensFirst);
    const { batch, batched } = asked;
    const type = typeOf(call, "k", k);
    const valueType = typeOf(call, "v", v);
    if (valueType !== type) call.fail("v", `v holds ${valueType}, but k holds ${type}; keep both in one type`);
    const found = measureRows(call, k, v, tokensFirst, pages ? "pages" : batched ? "batch" : "none");
    const { keyHeads, tokens, width, valueWidth, outer } = found;
    if (width !== asked.width) call.fail("k", `k has D = ${width}, but q has D = ${asked.width}`);
    if (batched && !pages && outer !== batch) call.fail("k", `k has B = ${outer}, but q has B = ${batch}`);
    if (pages) checkPages(call, pages, batched, batch, outer);
    const many = pages ? pages.shape.at(-1)! : 1;
    const keys = many * tokens;
    if (lengths && lengths.length !== batch)
      call.fail("lengths", `lengths has ${lengths.length} numbers, expected [B] = [${batch}]`);
    const bytes = rowBytes[type];
    const at = { k: place(call, "k", k, type), v: place(call, "v", v, type) };
    const scales =
      type === "int8"
        ? [call.addressOf("k", (k as IntegerRows).scales), call.addressOf("v", (v as IntegerRows).scales)]
        : [0, 0];
    const special = Number(
      type === "float16" &&
        [at.k, at.v].some((address, i) => exports.hasSpecial(address, 2 * (i ? v : k).data.length) !== 0),
    );
    const table = pages && call.addressOfBytes(new Uint8Array(Int32Array.from(pages.data).buffer));
    const strides = (columns: number) => ({
      outer: bytes * keyHeads * tokens * columns,
      head: bytes * (tokensFirst ? columns : tokens * columns),
      row: bytes * (tokensFirst ? keyHeads * columns : columns),
    });
    const [ks, vs] = [strides(width), strides(valueWidth)];
    const scaleEntry = 4 * keyHeads * tokens;
    const entries = Array.from({ length: batch }, (_, entry) => {
      const count = lengths ? lengths[entry]! : keys;
      if (!Number.isSafeInteger(count) || count < 0 || count > keys)
        call.fail("lengths", `lengths[${entry}] must be a whole number of keys from 0 to ${keys}, got ${count}`);
      const own = table === undefined ? entry : 0;
      const stored: Stored = {
        k: at.k + own * ks.outer,
        v: at.v + own * vs.outer,
        kScales: scales[0]! + own * scaleEntry,
        vScales: scales[1]! + own * scaleEntry,
        pages: table === undefined ? 0 : table + 4 * entry * many,
        type: rowTypes.indexOf(type),
        special,
        pageKeys: Math.max(1, tokens),
        together: tokensFirst ? keyHeads : 1,
        ...{ kPage: ks.outer, kHead: ks.head, kRow: ks.row, vPage: vs.outer, vHead: vs.head, vRow: vs.row },
        scalePage: scaleEntry,
        scaleHead: 4 * (tokensFirst ? 1 : tokens),
        scaleRow: 4 * (tokensFirst ? keyHeads : 1),
      };
      return { stored, keys: count };
    });
    const sizes = { ...asked, keyHeads, keys, valueWidth };
    const inputs = type === "float32" ? { k: k as Floats, v: v as Floats } : {};
    return step(call, exports, arena, q, sizes, options, entries, inputs);
  });
}

function measureRows(call: Call, k: Rows, v: Rows, tokensFirst: boolean, first: "pages" | "batch" | "none") {
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
  call: Call,
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

/** Where rows stand in memory: in place if they are a tensor of it, else in a copy. */
function place(call: Call, name: string, rows: Rows, type: RowType): number {
  if (type === "float32") return call.addressOf(name, rows as Floats);
  const { buffer, byteOffset, byteLength } = rows.data;
  return call.addressOfBytes(new Uint8Array(buffer, byteOffset, byteLength));
}
