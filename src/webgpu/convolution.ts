import { type ConvolutionOptions, measureConvolution } from "../wasm/convolution.ts";
import { checked } from "../wasm/options.ts";
import { calling } from "./call.ts";
import { type GpuCarried, targets } from "./carried.ts";
import {
  type ConvolutionShape,
  convolutionParams,
  convolutionProgram,
  convolutionThreads,
} from "./convolution-program.ts";
import type { Device } from "./device.ts";
import type { OnGpu } from "./options.ts";
import { held, part, runs } from "./parts.ts";
import type { FloatsAnywhere } from "./tensor.ts";

/** Invocations that keep a large device busy. */
const enough = 2 ** 16;

/**
 * Short causal convolution of each channel in float32: x [T, C], weights [C, K] with the last tap on the token itself, gives
 * out [T, C]. `state` [K − 1, C] is the rows before the first, the oldest first, and comes back for the next call; one
 * token at a time is a call with T = 1.
 *
 * @throws KernelError naming the argument whose shape or values do not fit.
 */
export function convolution(
  device: Device,
  x: FloatsAnywhere,
  weights: FloatsAnywhere,
  options: OnGpu<ConvolutionOptions> = {},
  shape?: ConvolutionShape,
): GpuCarried {
  const { bias, activation = "none" } = checked("convolution", options);
  return calling("convolution", device, (call) => {
    const { T, C, K } = measureConvolution(call, { x, weights, bias });
    const activated = call.choose("activation", activation, ["none", "silu"]) === 1;
    const fits = held(device, 4 * C);
    if (K > fits)
      call.fail("weights", `${K} taps of ${C} channels are more than this device binds at once; split the channels`);
    const { out, last, before, from } = targets(call, options, [T, C], [K - 1, C], { x, weights, bias });
    const [rows, taps] = [call.on(x, "float32"), call.on(weights, "float32")];
    const added = bias && call.on(bias, "float32");
    const vector = C % 4 === 0;
    const channels = vector ? C / 4 : C;
    const { tall } = shape ?? { tall: T === 1 ? 1 : T * channels < 8 * enough ? 4 : 8 };
    const columns = Math.ceil(channels / convolutionThreads);
    const most = device.gpu.limits.maxComputeWorkgroupsPerDimension;
    const inOne = (one: number) => (vector ? one / 4 : one);
    const pass = (first: number, tokens: number, outs: boolean, carries: boolean) => {
      const start = Math.max(0, first - (K - 1));
      const seen = part(rows, start * C, (first + tokens - start) * C);
      const to = part(out, first * C, tokens * C);
      const program = { tall, vector, biased: !!added, activated, before: from, outs, carries };
      device.run({
        key: `convolution ${JSON.stringify(program)}`,
        code: () => convolutionProgram(program),
        params: convolutionParams.fill({
          ...{ first, tokens, channels, taps: K, x: inOne(seen.first), start, out: inOne(to.first) },
        }),
        bindings: [
          seen,
          ...(outs ? [{ buffer: taps.buffer }, { ...to, written: true }] : []),
          ...(outs && added ? [{ buffer: added.buffer }] : []),
          ...(from === "apart" ? [{ buffer: before!.buffer }] : []),
          ...(carries || from === "same" ? [{ buffer: last.buffer, written: true }] : []),
        ],
        workgroups: [columns, outs ? Math.ceil(tokens / tall) : 1, 1],
      });
    };
    if (T > 0 && T <= tall) pass(0, T, true, true);
    else {
      // Rows before those of the first token are read again.
      const longest = Math.max(1, Math.min(fits - (K - 1), most * tall));
      for (const [first, tokens] of runs(T, longest)) pass(first, tokens, true, false);
      if (K > 1) pass(Math.max(0, T - K + 1), Math.min(T, K - 1), false, true);
    }
    return { out, state: last };
  });
}
