import type { CarriedOptions } from "../wasm/carried.ts";
import { checked } from "../wasm/options.ts";
import { measureRecurrence } from "../wasm/scan.ts";
import { calling } from "./call.ts";
import { type Before, type GpuCarried, targets } from "./carried.ts";
import type { Device } from "./device.ts";
import type { OnGpu } from "./options.ts";
import { held, part, runs } from "./parts.ts";
import {
  type RecurrenceProgram,
  recurrenceParams,
  recurrenceProgram,
  recurrenceThreads,
} from "./recurrence-program.ts";
import { chunkLength } from "./scan/chunks.ts";
import type { FloatsAnywhere } from "./tensor.ts";

/**
 * The linear recurrence of each channel by itself in float32: out[t] = factors[t] · out[t − 1] + x[t], all [T, C]; `state`
 * [C] is out[−1]. Many tokens of few channels are taken in chunks, side by side.
 *
 * @throws KernelError naming the argument whose shape or values do not fit.
 */
export function recurrence(
  device: Device,
  factors: FloatsAnywhere,
  x: FloatsAnywhere,
  options: OnGpu<CarriedOptions> = {},
  tuning: { readonly length?: number | undefined } = {},
): GpuCarried {
  checked("recurrence", options);
  return calling("recurrence", device, (call) => {
    const { T, C } = measureRecurrence(call, { factors, x });
    const { out, last, before, from } = targets(call, options, [T, C], [C], { factors, x });
    const [by, added] = [call.on(factors, "float32"), call.on(x, "float32")];
    const vector = C % 4 === 0;
    const channels = vector ? C / 4 : C;
    const longest = held(device, 4 * C);
    const inOne = (one: number) => (vector ? one / 4 : one);
    const length = Math.max(1, tuning.length ?? chunkLength(Math.min(T, longest), channels));
    const most = Math.min(device.gpu.limits.maxComputeWorkgroupsPerDimension, held(device, 12 * C));
    const stretch = (start: number, tokens: number) => {
      const chunks = Math.ceil(tokens / length);
      const [f, g, to] = [by, added, out].map((tensor) => part(tensor, start * C, tokens * C));
      const local = chunks > 1 ? call.temporary([chunks, 3, C], "float32") : undefined;
      const state: Before = start > 0 ? "same" : from;
      const pass = (name: RecurrenceProgram["pass"]) => {
        const carries = name === "carry" || name === "whole";
        const program = { pass: name, vector, before: carries ? state : "none" } as const;
        device.run({
          key: `recurrence ${JSON.stringify(program)}`,
          code: () => recurrenceProgram(program),
          params: recurrenceParams.fill({
            ...{ tokens, channels, length, chunks },
            ...{ factors: inOne(f!.first), x: inOne(g!.first), out: inOne(to!.first) },
          }),
          bindings: [
            ...(name === "carry" ? [] : [f!, g!]),
            ...(name === "apply" || name === "whole" ? [{ ...to!, written: true }] : []),
            ...(name === "whole" ? [] : [{ buffer: local!.buffer, written: name !== "apply" }]),
            ...(carries ? [{ buffer: last.buffer, written: true }] : []),
            ...(carries && state === "apart" ? [{ buffer: before!.buffer }] : []),
          ],
          workgroups: [Math.ceil(channels / recurrenceThreads), name === "carry" ? 1 : Math.max(1, chunks), 1],
        });
      };
      for (const name of local ? (["local", "carry", "apply"] as const) : (["whole"] as const)) pass(name);
    };
    for (const [start, tokens] of runs(T, Math.min(longest, length * most))) stretch(start, tokens);
    if (T === 0) stretch(0, 0);
    return { out, state: last };
  });
}
