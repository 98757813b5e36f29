import type { Arena } from "./arena.ts";
import { type Call, calling, shown } from "./call.ts";
import type { Exports } from "./exports.ts";
import { attendJob } from "./job.ts";
import type { Booleans, Floats, WasmTensor } from "./tensor.ts";

export interface AttentionOptions {
  /** The factor on the scores. Default 1/√D. */
  readonly scale?: number | undefined;
  /** Whether a query sees no key after its own place. Default false. */
  readonly causal?: boolean | undefined;
  /** How many keys before its own place a query sees. Default Infinity. */
  readonly left?: number | undefined;
  /** How many keys after its own place a query sees; with `causal` none. Default Infinity. */
  readonly right?: number | undefined;
  /** Whether the last query stands beside the last key (default), or the first beside the first. */
  readonly align?: "bottom-right" | "top-left" | undefined;
  /** c in c · tanh(score / c), after the scale and before the bias. Default Infinity: none. */
  readonly cap?: number | undefined;
  /** [H]: a score for each head that takes its share of the softmax and has no value. */
  readonly sinks?: Floats | undefined;
  /** [H]: for each head, what a score loses for each place of distance (ALiBi). Places count to 2^24. */
  readonly slopes?: Floats | undefined;
  /** [Tk], [Tq, Tk] or [H, Tq, Tk], added to the scores; −∞ hides a key, whatever its score. */
  readonly bias?: Floats | undefined;
  /** [Tk], [Tq, Tk] or [H, Tq, Tk]: 0 hides a key. */
  readonly mask?: Booleans | undefined;
  /** Whether the shapes begin with the heads (default), or with the tokens: [T, H, D]. */
  readonly layout?: "heads-first" | "tokens-first" | undefined;
  /** A tensor of the kernels' memory for the result; may not overlap the inputs. Default: the result is a copy outside. */
  readonly into?: WasmTensor | undefined;
}

export interface Attended {
  /** [H, Tq, E], or [Tq, H, E] with the tokens first. */
  readonly out: Floats;
  /** [H, Tq], ln of the sum of the exponentiated scores, sink included; −∞ where a query sees nothing. */
  readonly lse: Floats;
}

/**
 * Exact softmax attention in float32: q [H, Tq, D], k [Hk, Tk, D], v [Hk, Tk, E]. H is a multiple of Hk; neighbouring
 * heads share keys and values. Scores are never kept: memory is linear in Tk, and keys outside the window cost nothing.
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
  const { align = "bottom-right", layout = "heads-first", sinks, slopes, bias, mask } = options;
  return calling("attention", arena, (call) => {
    const tokensFirst = choose(call, "layout", layout, ["heads-first", "tokens-first"]) === "tokens-first";
    const { heads, keyHeads, queries, keys, width, valueWidth } = measure(call, { q, k, v }, tokensFirst);
    const { scale = 1 / Math.sqrt(width) } = options;
    choose(call, "align", align, ["bottom-right", "top-left"]);
    if (!Number.isFinite(scale)) call.fail("scale", `scale must be a finite number, got ${scale}`);
    if (!(cap > 0)) call.fail("cap", `cap must be above 0 (Infinity for none), got ${cap}`);
    const all = queries + keys;
    const reach = (name: string, count: number): number =>
      count === Infinity || (Number.isSafeInteger(count) && count >= 0)
        ? Math.min(count, all)
        : call.fail(name, `${name} must be a whole number of keys or Infinity, got ${count}`);
    for (const [name, values] of Object.entries({ sinks, slopes })) {
      if (!values) continue;
      call.check(name, values, Float32Array);
      if (values.shape.length !== 1 || values.shape[0] !== heads)
        call.fail(name, `${name} has shape ${shown(values.shape)}, expected [H] = [${heads}]`);
    }
    const [biasHead, biasRow, biasKey] = spread(call, "bias", bias, heads, queries, keys, Float32Array);
    const [maskHead, maskRow, maskKey] = spread(call, "mask", mask, heads, queries, keys, Uint8Array);
    const optional = (name: string, values: Floats | undefined) => (values ? call.addressOf(name, values) : 0);
    const strides = (count: number, rows: number, columns: number) =>
      tokensFirst ? [4 * columns, 4 * count * columns] : [4 * rows * columns, 4 * columns];
    const [qHead, qRow] = strides(heads, queries, width) as [number, number];
    const [kHead, kRow] = strides(keyHeads, keys, width) as [number, number];
    const [vHead, vRow] = strides(keyHeads, keys, valueWidth) as [number, number];
    const [outHead, outRow] = strides(heads, queries, valueWidth) as [number, number];
    const shape = tokensFirst ? [queries, heads, valueWidth] : [heads, queries, valueWidth];
    const out = call.target("into", shape, into, { q, k, v, sinks, slopes, bias });
    const lse = call.region.tensor([heads, queries]);
    const job = call.describe(attendJob, {
      q: call.addressOf("q", q),
      k: call.addressOf("k", k),
      v: call.addressOf("v", v),
      out: out.address,
      lse: lse.address,
      mask: mask ? call.addressOfBytes(mask.data) : 0,
      bias: optional("bias", bias),
      sinks: optional("sinks", sinks),
      slopes: optional("slopes", slopes),
      scratch: call.region.allocate(exports.attendScratch(keys, width, valueWidth) >>> 0),
      ...{ heads, keyHeads, queries, keys, width, valueWidth },
      ...{ qHead, qRow, kHead, kRow, vHead, vRow, outHead, outRow },
      ...{ maskHead, maskRow, maskKey },
      ...{ biasHead: 4 * biasHead, biasRow: 4 * biasRow, biasKey: 4 * biasKey },
      offset: align === "top-left" ? 0 : keys - queries,
      left: reach("left", left),
      right: causal ? 0 : reach("right", right),
      ...{ scale, cap },
    });
    exports.attend(job);
    return { out: call.result(out, into), lse: call.result(lse, undefined) };
  });
}

function choose(call: Call, name: string, value: string, among: readonly string[]): string {
  if (!among.includes(value)) call.fail(name, `${name} must be ${among.join(" or ")}, got ${value}`);
  return value;
}

interface Sizes {
  readonly heads: number;
  readonly keyHeads: number;
  readonly queries: number;
  readonly keys: number;
  readonly width: number;
  readonly valueWidth: number;
}

function measure(call: Call, inputs: { q: Floats; k: Floats; v: Floats }, tokensFirst: boolean): Sizes {
  const axes = { q: ["H", "Tq", "D"], k: ["Hk", "Tk", "D"], v: ["Hk", "Tk", "E"] };
  const found: Record<string, { readonly by: string; readonly length: number }> = {};
  for (const [name, [head, token, last]] of Object.entries(axes) as [keyof typeof axes, string[]][]) {
    const letters = tokensFirst ? [token!, head!, last!] : [head!, token!, last!];
    const { shape } = inputs[name] ?? {};
    call.check(name, inputs[name], Float32Array);
    if (shape.length !== 3)
      call.fail(name, `${name} has shape ${shown(shape)}, expected ${shown(letters)}; one head is an axis of 1`);
    letters.forEach((letter, axis) => {
      const length = shape[axis]!;
      const before = found[letter];
      if (before && before.length !== length)
        call.fail(name, `${name} has ${letter} = ${length}, but ${before.by} has ${letter} = ${before.length}`);
      found[letter] = { by: name, length };
    });
  }
  const of = (letter: string) => found[letter]!.length;
  const [heads, keyHeads, keys, width, valueWidth] = [of("H"), of("Hk"), of("Tk"), of("D"), of("E")];
  if (keyHeads === 0 || heads % keyHeads !== 0)
    call.fail("q", `H must be a multiple of Hk: got H = ${heads}, Hk = ${keyHeads}`);
  if (keys > 2 ** 24) call.fail("k", `k has ${keys} keys; at most 2^24 are supported: split them over calls`);
  if (4 * keys * (width + valueWidth + 8) > 2 ** 32)
    call.fail("k", `one head of k and v does not fit in the 4 GiB of a 32-bit memory: split the keys over calls`);
  return { heads, keyHeads, queries: of("Tq"), keys, width, valueWidth };
}

/** How far apart (in elements) the heads, queries and keys of a bias or mask are; 0 along what it does not have. */
function spread(
  call: Call,
  name: string,
  tensor: Floats | Booleans | undefined,
  heads: number,
  queries: number,
  keys: number,
  array: typeof Float32Array | typeof Uint8Array,
): [number, number, number] {
  if (!tensor) return [0, 0, 0];
  call.check(name, tensor, array);
  const { shape } = tensor;
  if (shape.length < 1 || shape.length > 3 || shape.join() !== [heads, queries, keys].slice(-shape.length).join())
    call.fail(
      name,
      `${name} has shape ${shown(shape)}, expected [Tk] = [${keys}], [Tq, Tk] or [H, Tq, Tk] = ${shown([heads, queries, keys])}`,
    );
  return [shape.length === 3 ? queries * keys : 0, shape.length >= 2 ? keys : 0, 1];
}
