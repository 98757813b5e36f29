import type { Arena } from "./arena.ts";
import { calling } from "./call.ts";
import { type Carried, type CarriedOptions, targets } from "./carried.ts";
import type { Checks, Shaped } from "./checks.ts";
import type { Exports } from "./exports.ts";
import { measure, optional } from "./measure.ts";
import { ssdJob } from "./ssm-jobs.ts";
import type { Floats } from "./tensor.ts";

export interface SsdInputs {
  /** [T, H, E]: what is written. */
  readonly u: Floats;
  /** [T, H]: the steps Δ, or what they are made of. */
  readonly delta: Floats;
  /** [H]: the rates, usually negative. */
  readonly a: Floats;
  /** [T, G, N]: by what the states are written; H is a multiple of G, and neighbouring heads share a group. */
  readonly b: Floats;
  /** [T, G, N]: by what they are read. */
  readonly c: Floats;
}

export interface SsdOptions extends CarriedOptions {
  /** [H]: how much of u goes straight through. Default 0. */
  readonly d?: Floats | undefined;
  /** [H], added to `delta`. Default 0. */
  readonly bias?: Floats | undefined;
  /** Whether the steps are the softplus of what is given. Default false. */
  readonly softplus?: boolean | undefined;
}

/**
 * State-space duality (Mamba-2) in float32: for each head S = exp(Δ a) S + Δ u bᵀ, an E × N matrix, and out = S c + d u,
 * [T, H, E]. `state` is [H, E, N]. Computed in chunks of 64 tokens by products of matrices, fewer than 8 tokens one by
 * one: a token of a model that generates is a call with T = 1. Decays below 2^−126 count as 0.
 *
 * What is written after a token does not reach its result, unless it is infinite or NaN.
 *
 * @throws KernelError naming the argument whose shape or values do not fit.
 */
export function ssd(
  exports: Exports,
  arena: Arena,
  { u, delta, a, b, c }: SsdInputs = {} as never,
  options: SsdOptions = {},
): Carried {
  const { d, bias, softplus = false } = options;
  return calling("ssd", arena, (call) => {
    const inputs = { u, delta, a, b, c, d, bias };
    const { T, H, E, G, N } = measureSsd(call, inputs);
    const place = targets(call, options, [T, H, E], [H, E, N], inputs);
    const job = call.describe(ssdJob, {
      u: call.addressOf("u", u),
      delta: call.addressOf("delta", delta),
      bias: optional(call, "bias", bias),
      a: call.addressOf("a", a),
      b: call.addressOf("b", b),
      c: call.addressOf("c", c),
      d: optional(call, "d", d),
      state: place.state,
      last: place.last.address,
      out: place.out.address,
      scratch: call.region.allocate(exports.ssdScratch(H, E, N) >>> 0),
      tokens: T,
      heads: H,
      groups: G,
      width: E,
      states: N,
      softplus: Number(softplus),
    });
    exports.ssd(job);
    return place.results();
  });
}

type Name = keyof SsdInputs | "d" | "bias";

/** The sizes of a call, its inputs checked. */
export function measureSsd(call: Checks, inputs: Readonly<Record<Name, Shaped | undefined>>) {
  const shapes = { u: "T H E", delta: "T H", a: "H", b: "T G N", c: "T G N", d: "H?", bias: "H?" } as const;
  const sizes = measure(call, shapes, inputs);
  const { H, G } = sizes;
  if (G === 0 || H % G !== 0) call.fail("b", `H must be a multiple of G: got H = ${H}, G = ${G}`);
  return sizes;
}
