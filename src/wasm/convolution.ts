import type { Arena } from "./arena.ts";
import { calling } from "./call.ts";
import { type Carried, type CarriedOptions, targets } from "./carried.ts";
import type { Checks, Shaped } from "./checks.ts";
import type { Exports } from "./exports.ts";
import { measure, optional } from "./measure.ts";
import type { Floats } from "./tensor.ts";

export interface ConvolutionOptions extends CarriedOptions {
  /** [C], added to the sums. Default none. */
  readonly bias?: Floats | undefined;
  /** What the sums go through. Default none. */
  readonly activation?: "none" | "silu" | undefined;
}

/**
 * Short causal convolution of each channel in float32: x [T, C], weights [C, K] with the last tap on the token itself, gives
 * out [T, C]. `state` [K − 1, C] is the rows before the first, the oldest first, and comes back for the next call; one
 * token at a time is a call with T = 1.
 *
 * @throws KernelError naming the argument whose shape or values do not fit.
 */
export function convolution(
  exports: Exports,
  arena: Arena,
  x: Floats,
  weights: Floats,
  options: ConvolutionOptions = {},
): Carried {
  const { bias, activation = "none" } = options;
  return calling("convolution", arena, (call) => {
    const { T, C, K } = measureConvolution(call, { x, weights, bias });
    const activate = call.choose("activation", activation, ["none", "silu"]);
    const place = targets(call, options, [T, C], [K - 1, C], { x, weights, bias });
    exports.convolve(
      call.addressOf("x", x),
      call.addressOf("weights", weights),
      optional(call, "bias", bias),
      place.state,
      place.out.address,
      place.last.address,
      T,
      C,
      K,
      activate,
      call.region.allocate(exports.convolveScratch(C, K) >>> 0),
    );
    return place.results();
  });
}

/** The sizes of a convolution, its inputs checked. */
export function measureConvolution(
  call: Checks,
  inputs: Readonly<Record<"x" | "weights" | "bias", Shaped | undefined>>,
) {
  const sizes = measure(call, { x: "T C", weights: "C K", bias: "C?" }, inputs);
  if (sizes.K === 0) call.fail("weights", "weights has no taps (K = 0); at least 1 is needed");
  return sizes;
}
