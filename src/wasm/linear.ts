import type { Arena } from "./arena.ts";
import { type Call, calling, shown } from "./call.ts";
import type { Checks, Seen, Shaped } from "./checks.ts";
import type { Exports } from "./exports.ts";
import { linearJob } from "./linear-job.ts";
import type { Floats, WasmTensor } from "./tensor.ts";

export interface LinearAttentionOptions {
  /** The factor on what is read. Default 1. */
  readonly scale?: number | undefined;
  /**
   * By what a token fades the state before it writes: one number a head [Hg], a head and token [Hg, Tk], or a head,
   * token and channel [Hg, Tk, D]. Logarithms, at most 0 in use: −∞ forgets exactly, above 88 counts as 88. Default
   * none: nothing fades.
   */
  readonly gates?: Floats | undefined;
  /** [Hg, Tk, E], instead of `gates`: by what a token fades the columns of the state. Token by token, not in chunks. */
  readonly valueGates?: Floats | undefined;
  /** Whether the gates hold the factors themselves. Default false: their logarithms. */
  readonly factors?: boolean | undefined;
  /** Whether a token reads what the ones before it have left (RWKV). Default false: it writes first. */
  readonly before?: boolean | undefined;
  /** [Hu, D]: with `before`, what a token reads of its own key and value, channel by channel. Default none. */
  readonly bonus?: Floats | undefined;
  /** Whether a query sees no key after its own place; else all write before any reads. Default true. */
  readonly causal?: boolean | undefined;
  /** [Hs, D, E] before the first token. Default zeros. */
  readonly state?: Floats | undefined;
  /** [Hs, D], the faded sum of the keys before the first token. Default zeros. */
  readonly z?: Floats | undefined;
  /** Whether `z` is carried on and read too. Default: if `z` or `epsilon` is given. */
  readonly sums?: boolean | undefined;
  /** Given, what is read is divided by the sum of its weights plus this. Default: not divided. */
  readonly epsilon?: number | undefined;
  /** How many tokens are worked on together, 1 to 256; 1 is the recurrence itself. Default 16. */
  readonly chunk?: number | undefined;
  /** Whether the shapes of q, k, v, gates and the result begin with the heads (default), or with the tokens. */
  readonly layout?: "heads-first" | "tokens-first" | undefined;
  /** A tensor of the kernels' memory for the result; may not overlap the inputs. Default: the result is a copy outside. */
  readonly into?: WasmTensor | undefined;
  /** The same for the state afterwards; may be `state` itself, which is then changed in place. */
  readonly stateInto?: WasmTensor | undefined;
  /** The same for z afterwards; may be `z` itself. */
  readonly zInto?: WasmTensor | undefined;
}

export interface LinearlyAttended {
  /** [H, Tq, E], or [Tq, H, E] with the tokens first. */
  readonly out: Floats;
  /** [Hs, D, E] after the last token. */
  readonly state: Floats;
  /** [H, Tq], for each query the sum of its weights, if asked for. */
  readonly sums: Floats | undefined;
  /** [Hs, D] after the last token, if carried on. */
  readonly z: Floats | undefined;
}

/**
 * Linear attention in float32: q [Hq, Tq, D], k [Hk, Tk, D], v [Hv, Tk, E].
 *
 * S_t = diag(a_t) S_{t−1} + k_t v_tᵀ, out_t = scale · S_tᵀ q_t, with a = e^gates. The states' heads Hs are the most that k,
 * v or the gates have; fewer are shared by neighbours, and neighbouring queries may share a state. The last query stands
 * at the last key; those before the first key read the state as given.
 *
 * Chunks of tokens are worked on together, with the products of gates between two tokens and no division, so that no
 * gate is too strong. What has faded below 2^−40 within a chunk counts as forgotten. Memory does not grow with the
 * tokens, nor does the time of one.
 *
 * @throws KernelError naming the argument whose shape or values do not fit.
 */
export function linearAttention(
  exports: Exports,
  arena: Arena,
  q: Floats,
  k: Floats,
  v: Floats,
  options: LinearAttentionOptions = {},
): LinearlyAttended {
  const { gates, valueGates, bonus, state, z, into, stateInto, zInto } = options;
  return calling("linearAttention", arena, (call) => {
    const { sizes, bonusHeads, scale, factors, before, causal, epsilon, sums, chunk, tokensFirst } = asked(
      call,
      { q, k, v },
      options,
    );
    const { heads, states, queries, keys, width, valueWidth } = sizes;
    const inputs = { q, k, v, gates, valueGates, bonus };
    const shape = tokensFirst ? [queries, heads, valueWidth] : [heads, queries, valueWidth];
    const out = call.target("into", shape, into, { ...inputs, state, z });
    const memory = carried(call, "state", state, stateInto, [states, width, valueWidth], { ...inputs, into });
    const total = sums ? carried(call, "z", z, zInto, [states, width], { ...inputs, into, stateInto }) : undefined;
    const weights = sums ? call.region.tensor([heads, queries]) : undefined;
    // Spreads and computed names here would take longer than the kernel does for one token.
    const head = (tokens: number, across: number) => (tokensFirst ? 4 * across : 4 * tokens * across);
    const row = (count: number, across: number) => (tokensFirst ? 4 * count * across : 4 * across);
    const job = {
      q: call.addressOf("q", q),
      k: call.addressOf("k", k),
      v: call.addressOf("v", v),
      out: out.address,
      gates: gates ? call.addressOf("gates", gates) : valueGates ? call.addressOf("valueGates", valueGates) : 0,
      bonus: bonus ? call.addressOf("bonus", bonus) : 0,
      state: memory.address,
      z: total?.address ?? 0,
      sums: weights?.address ?? 0,
      scratch: call.region.allocate(exports.linearScratch(width, valueWidth, chunk, heads / states) >>> 0),
      heads,
      states,
      qHeads: sizes.qHeads,
      kHeads: sizes.kHeads,
      vHeads: sizes.vHeads,
      gateHeads: sizes.gateHeads,
      bonusHeads,
      queries,
      keys,
      width,
      valueWidth,
      chunk,
      offset: keys - queries - Number(before),
      qHead: head(queries, width),
      qRow: row(sizes.qHeads, width),
      kHead: head(keys, width),
      kRow: row(sizes.kHeads, width),
      vHead: head(keys, valueWidth),
      vRow: row(sizes.vHeads, valueWidth),
      outHead: head(queries, valueWidth),
      outRow: row(heads, valueWidth),
      gateHead: sizes.gateRank === 1 ? 4 : head(keys, sizes.gateWidth),
      gateRow: sizes.gateRank === 1 ? 0 : row(sizes.gateHeads, sizes.gateWidth),
      channels: sizes.channels,
      logs: Number(!factors),
      divide: Number(epsilon !== undefined),
      scale,
      epsilon: epsilon ?? 0,
    };
    if (causal) exports.linear(call.describe(linearJob, job));
    else {
      exports.linear(call.describe(linearJob, { ...job, queries: 0, offset: 0, divide: 0 }));
      exports.linear(call.describe(linearJob, { ...job, keys: 0, offset: -queries }));
    }
    return {
      out: call.result(out, into),
      state: call.result(memory, stateInto),
      sums: weights && call.result(weights, undefined),
      z: total && call.result(total, zInto),
    };
  });
}

/** The tensor in which something is carried on, holding what it is before the first token. */
function carried(
  call: Call,
  name: string,
  before: Floats | undefined,
  into: WasmTensor | undefined,
  shape: readonly number[],
  others: Readonly<Record<string, Floats | undefined>>,
): WasmTensor {
  if (before) {
    call.check(name, before, Float32Array);
    if (before.shape.join() !== shape.join())
      call.fail(name, `${name} has shape ${shown(before.shape)}, expected ${shown(shape)}`);
  }
  const after = call.target(`${name}Into`, shape, into, before === into ? others : { ...others, [name]: before });
  if (before !== after)
    if (before) after.data.set(before.data);
    else after.data.fill(0);
  return after;
}

export interface LinearSizes {
  readonly heads: number;
  readonly states: number;
  readonly qHeads: number;
  readonly kHeads: number;
  readonly vHeads: number;
  readonly gateHeads: number;
  readonly queries: number;
  readonly keys: number;
  readonly width: number;
  readonly valueWidth: number;
  readonly channels: number;
  /** Axes of the gates; 0 for none. */
  readonly gateRank: number;
  /** Gates of a head and token. */
  readonly gateWidth: number;
}

interface Given {
  readonly q: Shaped;
  readonly k: Shaped;
  readonly v: Shaped;
}

/** What a call is asked for: checked, with its defaults. */
export function asked(call: Checks, { q, k, v }: Given, options: Seen<LinearAttentionOptions>) {
  const { scale = 1, gates, valueGates, factors = false, bonus, before = bonus !== undefined, causal = true } = options;
  const { z, epsilon, sums = (z ?? epsilon) !== undefined, chunk = 16, layout = "heads-first" } = options;
  if (layout !== "heads-first" && layout !== "tokens-first")
    call.fail("layout", `layout must be heads-first or tokens-first, got ${layout}`);
  const tokensFirst = layout === "tokens-first";
  const sizes = measure(call, { q, k, v }, gates, valueGates, tokensFirst);
  const { heads, queries, keys, width } = sizes;
  if (!Number.isFinite(scale)) call.fail("scale", `scale must be a finite number, got ${scale}`);
  if (!(Number.isInteger(chunk) && chunk >= 1 && chunk <= 256))
    call.fail("chunk", `chunk must be a whole number of tokens from 1 to 256, got ${chunk}`);
  if (epsilon !== undefined && !Number.isFinite(epsilon))
    call.fail("epsilon", `epsilon must be a finite number, got ${epsilon}`);
  if (before && !causal) call.fail("before", "before needs causal: without it all tokens write before any reads");
  if (bonus && !before) call.fail("bonus", "bonus needs before: a token that writes first reads its own key anyway");
  if (before && queries !== keys)
    call.fail("before", `before needs a query for every key, got Tq = ${queries}, Tk = ${keys}`);
  if (sums && valueGates) call.fail("valueGates", "valueGates fade no sum of keys: leave out z, sums and epsilon");
  if (!sums && options.zInto)
    call.fail("zInto", "zInto needs sums: true, z or epsilon; without them z is not carried on");
  const bonusHeads = bonus?.shape?.[0] ?? 1;
  if (bonus) {
    call.check("bonus", bonus, Float32Array);
    if (bonus.shape.length !== 2 || bonus.shape[1] !== width || heads % bonusHeads !== 0)
      call.fail("bonus", `bonus has shape ${shown(bonus.shape)}, expected [Hu, D] = [a divisor of ${heads}, ${width}]`);
  }
  return { sizes, bonusHeads, scale, factors, before, causal, epsilon, sums, chunk, tokensFirst };
}

function measure(
  call: Checks,
  { q, k, v }: Given,
  gates: Shaped | undefined,
  valueGates: Shaped | undefined,
  tokensFirst: boolean,
): LinearSizes {
  const found: Record<string, { readonly by: string; readonly length: number }> = {};
  const axes = (name: string, tensor: Shaped, head: string, ...rest: string[]): void => {
    const letters = tokensFirst && rest[0] ? [rest[0], head, ...rest.slice(1)] : [head, ...rest];
    call.check(name, tensor, Float32Array);
    if (tensor.shape.length !== letters.length)
      call.fail(name, `${name} has shape ${shown(tensor.shape)}, expected ${shown(letters)}; one head is an axis of 1`);
    letters.forEach((letter, axis) => {
      const length = tensor.shape[axis]!;
      const before = found[letter];
      if (before && before.length !== length)
        call.fail(name, `${name} has ${letter} = ${length}, but ${before.by} has ${letter} = ${before.length}`);
      if (length === 0 && !letter.startsWith("T"))
        call.fail(name, `${name} has ${letter} = 0; only the tokens may be none`);
      found[letter] ??= { by: name, length };
    });
  };
  axes("q", q, "Hq", "Tq", "D");
  axes("k", k, "Hk", "Tk", "D");
  axes("v", v, "Hv", "Tk", "E");
  const rank = gates?.shape?.length ?? 0;
  if (gates) {
    call.check("gates", gates, Float32Array);
    if (rank < 1 || rank > 3)
      call.fail("gates", `gates has shape ${shown(gates.shape)}, expected [Hg], [Hg, Tk] or [Hg, Tk, D]`);
    axes("gates", gates, "Hg", ...["Tk", "D"].slice(0, rank - 1));
  }
  if (valueGates) {
    if (gates) call.fail("valueGates", "give gates or valueGates, not both");
    axes("valueGates", valueGates, "Hg", "Tk", "E");
  }
  const of = (letter: string) => found[letter]?.length ?? 1;
  const states = Math.max(of("Hk"), of("Hv"), of("Hg"));
  const heads = Math.max(of("Hq"), states);
  const divides = (name: string, count: number, letter: string, all: number) =>
    all % count === 0 ||
    call.fail(name, `${letter} must be a divisor of ${all}, the most heads there are: got ${letter} = ${count}`);
  divides("k", of("Hk"), "Hk", states);
  divides("v", of("Hv"), "Hv", states);
  divides(gates ? "gates" : "valueGates", of("Hg"), "Hg", states);
  divides("q", of("Hq"), "Hq", heads);
  if (heads % states !== 0)
    call.fail("q", `Hq must be a multiple or a divisor of ${states}, the states' heads: got Hq = ${of("Hq")}`);
  const [keys, width] = [of("Tk"), of("D")];
  return {
    heads,
    states,
    qHeads: of("Hq"),
    kHeads: of("Hk"),
    vHeads: of("Hv"),
    gateHeads: of("Hg"),
    queries: of("Tq"),
    keys,
    width,
    valueWidth: of("E"),
    channels: valueGates ? 2 : Number(rank === 3),
    gateRank: valueGates ? 3 : rank,
    gateWidth: valueGates ? of("E") : rank === 3 ? width : 1,
  };
}
