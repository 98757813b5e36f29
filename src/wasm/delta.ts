import type { Arena } from "./arena.ts";
import { calling, shown } from "./call.ts";
import type { Checks, Seen, Shaped } from "./checks.ts";
import { deltaJob } from "./delta-job.ts";
import type { Exports } from "./exports.ts";
import type { Floats, WasmTensor } from "./tensor.ts";

export interface DeltaRuleOptions {
  /** [H, T] or [H, T, D]: logarithms of what the state, or each of its rows, is multiplied by first. Default 0. */
  readonly gate?: Floats | undefined;
  /** The same factors as they are, in place of `gate`. */
  readonly decay?: Floats | undefined;
  /** [H, TR] or [H, TR, E]: β, how much of the difference is written. Default 1. */
  readonly beta?: Floats | undefined;
  /** [Hk, TR, D]: the key at which the state is read for what is taken away. Default k. */
  readonly read?: Floats | undefined;
  /** Whether that is read before the state decays. Default false. */
  readonly readBefore?: boolean | undefined;
  /** [Hk, TR, D]: the key at which β times what was read is taken away; k vᵀ is then added as it is. Default k. */
  readonly erase?: Floats | undefined;
  /** Whether each row of S reads and writes for itself: of k readᵀ only the diagonal is kept. Default false. */
  readonly diagonal?: boolean | undefined;
  /** R, how many writes each token makes, one after the other. The state decays before the first. Default 1. */
  readonly writes?: number | undefined;
  /** The factor on the queries. Default 1/√D. */
  readonly scale?: number | undefined;
  /** [H, D, E]: the state before the first token. Default 0. */
  readonly state?: Floats | undefined;
  /**
   * How many writes are solved together, up to 256; 1 goes write by write. It changes speed and rounding alone.
   * Default 16; 1 for fewer than 8 writes, with `diagonal`, and with `erase` where there is no relaxed SIMD, where that
   * is faster.
   */
  readonly chunk?: number | undefined;
  /** Whether shapes begin with the heads (default), or with the tokens: [T, H, D]. States begin with the heads. */
  readonly layout?: "heads-first" | "tokens-first" | undefined;
  /** A tensor of the kernels' memory for the result; may not overlap the inputs. Default: the result is a copy outside. */
  readonly into?: WasmTensor | undefined;
  /** The same for the state after the last token; may be `state`, which is then updated in place. */
  readonly stateInto?: WasmTensor | undefined;
}

export interface DeltaRuled {
  /** [H, T, E], or [T, H, E] with the tokens first. */
  readonly out: Floats;
  /** [H, D, E], the state after the last token. */
  readonly state: Floats;
}

/**
 * The delta rule in float32, of one head: S is D × E, and each token does
 *
 * S ← diag(decay) S, then S ← S + k (β (v − Sᵀ read))ᵀ for each of its writes, then out = scale · Sᵀ q.
 *
 * q is [Hk, T, D], k is [Hk, TR, D], v is [H, TR, E]; write j of token t is at place tR + j. H is a multiple of Hk:
 * neighbouring value heads share queries and keys, each with gates and β of its own. Chunks of writes are solved as
 * triangular systems (the WY form); decays are only ever multiplied, never divided by. Those below 2^−100 count as 0.
 *
 * What comes later in the sequence never reaches a result, be it NaN. Cutting the sequence and going on from the state
 * gives the same, up to rounding: to the bit where the cut lies between two chunks.
 *
 * @throws KernelError naming the argument whose shape or values do not fit.
 */
export function deltaRule(
  exports: Exports,
  arena: Arena,
  q: Floats,
  k: Floats,
  v: Floats,
  options: DeltaRuleOptions = {},
): DeltaRuled {
  const { gate, decay, beta, read, erase, state, into, stateInto } = options;
  return calling("deltaRule", arena, (call) => {
    const { sizes, scale, chunk, writes, readBefore, diagonal } = asked(
      call,
      { q, k, v },
      options,
      !exports.relaxed.value,
    );
    const [heads, keyHeads, tokens, width] = [sizes.of("H"), sizes.of("Hk"), sizes.of("T"), sizes.of("D")];
    const valueWidth = sizes.of("E");
    const gates = gate ?? decay;
    const inputs = { q, k, v, gate, decay, beta, read, erase };
    const out = call.target("into", sizes.shape("H T E"), into, { ...inputs, state, stateInto });
    const after = call.target("stateInto", [heads, width, valueWidth], stateInto, inputs);
    if (!state) after.data.fill(0);
    else if (state !== after) after.data.set(state.data);
    const at = (name: string, tensor: Floats | undefined) => (tensor ? call.addressOf(name, tensor) : 0);
    const [keys, values] = [at("k", k), at("v", v)];
    const strides = (of: string) => sizes.strides(of) as [number, number];
    const [[qHead, qRow], [kHead, kRow], [vHead, vRow]] = [strides("Hk T D"), strides("Hk TR D"), strides("H TR E")];
    const [outHead, outRow] = strides("H T E");
    const [betaHead, betaRow] = strides(beta?.shape.length === 3 ? "H TR E" : "H TR");
    const [gateHead, gateRow] = strides(gates?.shape.length === 3 ? "H T D" : "H T");
    const described = {
      q: at("q", q),
      k: erase ? at("erase", erase) : keys,
      p: read ? at("read", read) : erase ? keys : 0,
      v: erase ? 0 : values,
      beta: at("beta", beta),
      gate: at(gate ? "gate" : "decay", gates),
      addK: erase ? keys : 0,
      addV: erase ? values : 0,
      state: after.address,
      out: out.address,
      scratch: 0,
      heads,
      keyHeads,
      tokens,
      writes,
      width,
      valueWidth,
      chunk,
      qHead,
      qRow,
      kHead,
      kRow,
      vHead,
      vRow,
      outHead,
      outRow,
      betaHead,
      betaRow,
      betaWide: Number(beta?.shape.length === 3),
      gateHead,
      gateRow,
      gateWide: Number(gates?.shape.length === 3),
      logs: Number(gate !== undefined),
      before: Number(readBefore),
      diagonal: Number(diagonal),
      scale,
    };
    const [run, room] =
      chunk === 1 ? [exports.deltaSteps, exports.deltaStepsScratch] : [exports.delta, exports.deltaScratch];
    const job = call.describe(deltaJob, described);
    deltaJob.set(arena.memory, job, "scratch", call.region.allocate(room(job) >>> 0));
    run(job);
    return { out: call.result(out, into), state: call.result(after, stateInto) };
  });
}

/** What a call is asked for: checked, with its defaults. `slow`: whether `erase` is faster write by write. */
export function asked(
  call: Checks,
  { q, k, v }: { readonly q: Shaped; readonly k: Shaped; readonly v: Shaped },
  options: Seen<DeltaRuleOptions>,
  slow: boolean,
) {
  const { gate, decay, beta, read, readBefore = false, erase, writes = 1, state } = options;
  const { layout = "heads-first", diagonal = false } = options;
  if (layout !== "heads-first" && layout !== "tokens-first")
    call.fail("layout", `layout must be heads-first or tokens-first, got ${String(layout)}`);
  if (!(Number.isSafeInteger(writes) && writes >= 1))
    call.fail("writes", `writes must be a whole number of at least 1, got ${writes}`);
  if (gate && decay) call.fail("decay", "give gate, logarithms of decays, or decay, not both");
  const sizes = new Sizes(call, layout === "tokens-first");
  sizes.take("q", q, "Hk T D");
  sizes.know("T R", sizes.of("T") * writes, `q and writes = ${writes}`);
  sizes.take("k", k, "Hk TR D");
  sizes.take("v", v, "H TR E");
  const [heads, keyHeads, tokens, width] = [sizes.of("H"), sizes.of("Hk"), sizes.of("T"), sizes.of("D")];
  if (keyHeads === 0 || heads % keyHeads !== 0)
    call.fail("v", `H must be a multiple of Hk: got H = ${heads}, Hk = ${keyHeads}`);
  if (width === 0) call.fail("q", "q has D = 0; expected at least one feature");
  if (read) sizes.take("read", read, "Hk TR D");
  if (erase) sizes.take("erase", erase, "Hk TR D");
  const gates = gate ?? decay;
  if (gates) sizes.take(gate ? "gate" : "decay", gates, gates.shape?.length === 2 ? "H T" : "H T D");
  if (beta) sizes.take("beta", beta, beta.shape?.length === 2 ? "H TR" : "H TR E");
  if (state) sizes.take("state", state, "H D E", false);
  if (diagonal && erase) call.fail("erase", "erase must not be given with diagonal: the row that reads is erased");
  const single = diagonal || tokens * writes < 8 || (erase !== undefined && slow);
  const { scale = 1 / Math.sqrt(width), chunk = single ? 1 : 16 } = options;
  if (!Number.isFinite(scale)) call.fail("scale", `scale must be a finite number, got ${scale}`);
  if (!(Number.isSafeInteger(chunk) && chunk >= 1 && chunk <= 256))
    call.fail("chunk", `chunk must be a whole number from 1 to 256, got ${chunk}`);
  if (diagonal && chunk !== 1) call.fail("chunk", `chunk must be 1 with diagonal, got ${chunk}`);
  return { sizes, scale, chunk, writes, readBefore, diagonal };
}

/** The lengths of the axes, each known from the first tensor that has it. */
class Sizes {
  readonly #call: Checks;
  readonly #tokensFirst: boolean;
  readonly #found = new Map<string, { readonly by: string; readonly length: number }>();

  constructor(call: Checks, tokensFirst: boolean) {
    this.#call = call;
    this.#tokensFirst = tokensFirst;
  }

  of(letter: string): number {
    return this.#found.get(letter)!.length;
  }

  know(letter: string, length: number, by: string): void {
    this.#found.set(letter.replace(" ", ""), { by, length });
  }

  /** Axes in the order of the layout. */
  #order(letters: string, inLayout = true): string[] {
    const [first, second, ...rest] = letters.split(" ") as [string, string, ...string[]];
    return inLayout && this.#tokensFirst ? [second, first, ...rest] : [first, second, ...rest];
  }

  /** Checks a tensor against the axes it should have. */
  take(name: string, tensor: Shaped, letters: string, inLayout = true): void {
    this.#call.check(name, tensor, Float32Array);
    const order = this.#order(letters, inLayout);
    const { shape } = tensor;
    if (shape.length !== order.length)
      this.#call.fail(name, `${name} has shape ${shown(shape)}, expected ${shown(order)}; one head is an axis of 1`);
    order.forEach((letter, axis) => {
      const length = shape[axis]!;
      const before = this.#found.get(letter);
      if (before && before.length !== length)
        this.#call.fail(name, `${name} has ${letter} = ${length}, but ${before.by} has ${letter} = ${before.length}`);
      if (!before) this.know(letter, length, name);
    });
  }

  shape(letters: string): number[] {
    return this.#order(letters).map((letter) => this.of(letter));
  }

  /** How far apart in bytes heads and rows are. */
  strides(letters: string): [number, number] {
    const [head, row, ...rest] = letters.split(" ") as [string, string, ...string[]];
    const width = 4 * rest.reduce((product, letter) => product * this.of(letter), 1);
    return this.#tokensFirst ? [width, width * this.of(head)] : [width * this.of(row), width];
  }
}
