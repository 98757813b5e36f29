import type { Arena } from "./arena.ts";
import { calling } from "./call.ts";
import { type Carried, type CarriedOptions, targets } from "./carried.ts";
import type { Checks, Shaped } from "./checks.ts";
import type { Exports } from "./exports.ts";
import { measure, optional } from "./measure.ts";
import { diagonalJob, scanJob } from "./ssm-jobs.ts";
import type { Floats } from "./tensor.ts";

export interface ScanInputs {
  /** [T, C]: what is written. */
  readonly u: Floats;
  /** [T, C]: the steps Δ, or what they are made of. */
  readonly delta: Floats;
  /** [C, N]: the rates, usually negative. */
  readonly a: Floats;
  /** [T, N]: by what the states are written. */
  readonly b: Floats;
  /** [T, N]: by what they are read. */
  readonly c: Floats;
}

export interface ScanOptions extends CarriedOptions {
  /** [C]: how much of u goes straight through. Default 0. */
  readonly d?: Floats | undefined;
  /** [T, C]: the result is multiplied by its SiLU. Default: no gate. */
  readonly z?: Floats | undefined;
  /** [C], added to `delta`. Default 0. */
  readonly bias?: Floats | undefined;
  /** Whether the steps are the softplus of what is given. Default false. */
  readonly softplus?: boolean | undefined;
}

/**
 * Selective scan (Mamba) in float32: every channel has N states, S = exp(Δ a) S + Δ b u for each token, and gives
 * out = (c · S + d u) silu(z), [T, C]. `state` is [C, N]. One token at a time is a call with T = 1. Factors below 2^−126
 * count as 0, and so do states, every 64 tokens.
 *
 * @throws KernelError naming the argument whose shape or values do not fit.
 */
export function selectiveScan(
  exports: Exports,
  arena: Arena,
  { u, delta, a, b, c }: ScanInputs = {} as never,
  options: ScanOptions = {},
): Carried {
  const { d, z, bias, softplus = false } = options;
  return calling("selectiveScan", arena, (call) => {
    const inputs = { u, delta, a, b, c, d, z, bias };
    const { T, C, N } = measureScan(call, inputs);
    const place = targets(call, options, [T, C], [C, N], inputs);
    const job = call.describe(scanJob, {
      u: call.addressOf("u", u),
      delta: call.addressOf("delta", delta),
      bias: optional(call, "bias", bias),
      a: call.addressOf("a", a),
      b: call.addressOf("b", b),
      c: call.addressOf("c", c),
      d: optional(call, "d", d),
      z: optional(call, "z", z),
      state: place.state,
      last: place.last.address,
      out: place.out.address,
      scratch: call.region.allocate(exports.scanScratch(C, N) >>> 0),
      tokens: T,
      channels: C,
      states: N,
      softplus: Number(softplus),
    });
    exports.scan(job);
    return place.results();
  });
}

type ScanName = keyof ScanInputs | "d" | "z" | "bias";

/** The sizes of a selective scan, its inputs checked. */
export const measureScan = (call: Checks, inputs: Readonly<Record<ScanName, Shaped | undefined>>) =>
  measure(call, { u: "T C", delta: "T C", a: "C N", b: "T N", c: "T N", d: "C?", z: "T C?", bias: "C?" }, inputs);

/**
 * The linear recurrence of each channel by itself in float32: out[t] = factors[t] · out[t − 1] + x[t], all [T, C]; `state`
 * [C] is out[−1]. Results below 2^−126 count as 0.
 *
 * @throws KernelError naming the argument whose shape or values do not fit.
 */
export function recurrence(
  exports: Exports,
  arena: Arena,
  factors: Floats,
  x: Floats,
  options: CarriedOptions = {},
): Carried {
  return calling("recurrence", arena, (call) => {
    const { T, C } = measureRecurrence(call, { factors, x });
    const place = targets(call, options, [T, C], [C], { factors, x });
    const [by, from] = [call.addressOf("factors", factors), call.addressOf("x", x)];
    exports.recur(by, from, place.state, place.out.address, place.last.address, T, C);
    return place.results();
  });
}

/** The sizes of a recurrence, its inputs checked. */
export const measureRecurrence = (call: Checks, inputs: Readonly<Record<"factors" | "x", Shaped>>) =>
  measure(call, { factors: "T C", x: "T C" }, inputs);

export interface DiagonalInputs {
  /** [T, C]. */
  readonly u: Floats;
  /** [C, N]: what is kept of a state from token to token, and its imaginary part (default 0). */
  readonly keep: Floats;
  readonly keepIm?: Floats | undefined;
  /** [C, N]: by what the states are written. */
  readonly write: Floats;
  /** [C, N]: by what they are read, and its imaginary part (default 0), which needs `keepIm`. */
  readonly read: Floats;
  readonly readIm?: Floats | undefined;
}

export interface DiagonalOptions {
  /** [C]: how much of u goes straight through. Default 0. */
  readonly d?: Floats | undefined;
  /** [C, N], and its imaginary part: what came out of the tokens before. Default: zeros. */
  readonly state?: Floats | undefined;
  readonly stateIm?: Floats | undefined;
}

export interface DiagonalStates extends Carried {
  /** The imaginary part of `state`, where there is one. */
  readonly stateIm: Floats | undefined;
}

/**
 * A linear system of each channel whose N states do not mix and do not change with the token (EMA, S4D), in float32:
 * S = keep · S + write · u, out = Re(read · S) + d u, [T, C]. States below 2^−126 count as 0, every 64 tokens.
 *
 * @throws KernelError naming the argument whose shape or values do not fit.
 */
export function diagonalSystem(
  exports: Exports,
  arena: Arena,
  { u, keep, keepIm, write, read, readIm }: DiagonalInputs = {} as never,
  { d, state, stateIm }: DiagonalOptions = {},
): DiagonalStates {
  return calling("diagonalSystem", arena, (call) => {
    const { T, C, N } = measureDiagonal(call, { state, stateIm, keep, keepIm, write, read, readIm, u, d });
    const [out, last, lastIm] = [call.region.tensor([T, C]), call.region.tensor([C, N]), call.region.tensor([C, N])];
    const job = call.describe(diagonalJob, {
      state: optional(call, "state", state),
      stateIm: optional(call, "stateIm", stateIm),
      keep: call.addressOf("keep", keep),
      keepIm: optional(call, "keepIm", keepIm),
      write: call.addressOf("write", write),
      read: call.addressOf("read", read),
      readIm: optional(call, "readIm", readIm),
      u: call.addressOf("u", u),
      d: optional(call, "d", d),
      out: out.address,
      last: last.address,
      lastIm: lastIm.address,
      scratch: call.region.allocate(exports.diagonalScratch(C, N) >>> 0),
      tokens: T,
      channels: C,
      states: N,
      complex: Number(keepIm !== undefined),
    });
    exports.diagonal(job);
    return {
      out: call.result(out, undefined),
      state: call.result(last, undefined),
      stateIm: keepIm && call.result(lastIm, undefined),
    };
  });
}

type DiagonalName = keyof DiagonalInputs | keyof DiagonalOptions;

/** The sizes of a diagonal system, its inputs checked. */
export function measureDiagonal(call: Checks, inputs: Readonly<Record<DiagonalName, Shaped | undefined>>) {
  const shapes = {
    ...({ u: "T C", d: "C?", keep: "C N", keepIm: "C N?", write: "C N", read: "C N", readIm: "C N?" } as const),
    ...({ state: "C N?", stateIm: "C N?" } as const),
  };
  const sizes = measure(call, shapes, inputs);
  for (const name of ["readIm", "stateIm"] as const)
    if (inputs[name] && !inputs.keepIm) call.fail(name, `${name} needs keepIm; give zeros if states do not turn`);
  return sizes;
}
