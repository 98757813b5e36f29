import type { Arena } from "../arena.ts";
import type { Attended } from "../attention/options.ts";
import { type Call, calling } from "../call.ts";
import type { Dots } from "../dots.ts";
import type { Exports } from "../exports.ts";
import type { Floats } from "../tensor.ts";
import type { DecodeOptions } from "./options.ts";
import { type IntegerRows, type Rows, type RowType, rowBytes, rowTypes, typesOf } from "./rows.ts";
import { measureStep } from "./sizes.ts";
import { choose, type Stored, step } from "./step.ts";

/**
 * Exact softmax attention of a few queries over many keys, in float32: q [H, Tq, D], k [Hk, Tk, D], v [Hk, Tk, E], each
 * with a batch axis before them or none, or k and v as pools of pages. H is a multiple of Hk; neighbouring heads share
 * keys and values, each of which is read once for all queries. Nothing is packed: only tensors of the kernels' memory
 * cost no copy, and other types than float32 always do; a {@link Cache} holds them in place.
 *
 * Keys and values are both float32, float16 or int8 with a scale for each token and head. A query that sees no key gets
 * zeros. What a query does not see never reaches its result, be it NaN. Weights below 2^−100 of a query's largest count
 * as 0. With one query a key head, int8 meets queries and weights in 30 bits, counted from the largest of a row or block,
 * with the same result however products of bytes are made.
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
  way: { readonly dots: Dots } = { dots: "wide" },
): Attended {
  const { layout = "heads-first", pages } = options;
  return calling("decode", arena, (call) => {
    choose(call, "layout", layout, ["heads-first", "tokens-first"]);
    const tokensFirst = layout === "tokens-first";
    const type = typesOf(call, k, v);
    const { sizes, tokens, many, counts } = measureStep(call, q, k, v, tokensFirst, options);
    const { keyHeads, width, valueWidth } = sizes;
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
    const entries = counts.map((count, entry) => {
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
    const inputs = type === "float32" ? { k: k as Floats, v: v as Floats } : {};
    return step(call, exports, arena, q, sizes, options, entries, inputs, way);
  });
}

/** Where rows stand in memory: in place if they are a tensor of it, else in a copy. */
function place(call: Call, name: string, rows: Rows, type: RowType): number {
  if (type === "float32") return call.addressOf(name, rows as Floats);
  const { buffer, byteOffset, byteLength } = rows.data;
  return call.addressOfBytes(new Uint8Array(buffer, byteOffset, byteLength));
}
