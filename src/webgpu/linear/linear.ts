import { asked, type LinearAttentionOptions } from "../../wasm/linear.ts";
import { checked } from "../../wasm/options.ts";
import { calling } from "../call.ts";
import type { TileShape } from "../chunks/tile.ts";
import type { Device } from "../device.ts";
import type { OnGpu } from "../options.ts";
import { carried, whole } from "../state.ts";
import { type FloatsAnywhere, GpuTensor } from "../tensor.ts";
import { chunks, goesInChunks } from "./chunks.ts";
import type { Linear, Rows } from "./job.ts";
import { divide, steps } from "./steps.ts";

export interface GpuLinearlyAttended {
  /** [H, Tq, E], or [Tq, H, E] with the tokens first. */
  readonly out: GpuTensor<"float32">;
  /** [Hs, D, E] after the last token. */
  readonly state: GpuTensor<"float32">;
  /** [H, Tq], for each query the sum of its weights, if asked for. */
  readonly sums: GpuTensor<"float32"> | undefined;
  /** [Hs, D] after the last token, if carried on. */
  readonly z: GpuTensor<"float32"> | undefined;
}

/**
 * Linear attention in float32: q [Hq, Tq, D], k [Hk, Tk, D], v [Hv, Tk, E], as the call of `attnspec/wasm`.
 *
 * Many tokens go in chunks, all of which are worked on at once, except for the pass that carries the state; `chunk: 1`
 * keeps to the recurrence, a larger one to chunks. Values must be finite: what comes later is multiplied by 0.
 * Given a `state` that is `stateInto` too, one token is one small dispatch.
 *
 * @throws KernelError naming the argument whose shape or values do not fit.
 */
export function linearAttention(
  device: Device,
  q: FloatsAnywhere,
  k: FloatsAnywhere,
  v: FloatsAnywhere,
  options: OnGpu<LinearAttentionOptions> = {},
  shape?: TileShape,
): GpuLinearlyAttended {
  const { gates, valueGates, bonus, state, z, into, stateInto, zInto } = checked("linearAttention", options);
  return calling("linearAttention", device, (call) => {
    const { sizes, bonusHeads, scale, factors, before, causal, epsilon, sums, tokensFirst } = asked(
      call,
      { q, k, v },
      options,
    );
    const { heads, states, queries, keys, width, valueWidth } = sizes;
    const inputs = { q, k, v, gates, valueGates, bonus };
    const rows = (tensor: FloatsAnywhere, count: number, tokens: number, across: number): Rows => ({
      tensor: call.on(tensor, "float32"),
      head: tokensFirst ? across : tokens * across,
      row: tokensFirst ? count * across : across,
    });
    const order = tokensFirst ? [queries, heads, valueWidth] : [heads, queries, valueWidth];
    const out = call.target("into", order, into, { ...inputs, state, z });
    const memory = carried(call, "state", state, stateInto, [states, width, valueWidth], { ...inputs, into });
    const total = sums ? carried(call, "z", z, zInto, [states, width], { ...inputs, into, stateInto }) : undefined;
    const gated = gates ?? valueGates;
    const part = {
      ...{ values: rows(v, sizes.vHeads, keys, valueWidth), columns: valueWidth },
      ...{ out: rows(out, heads, queries, valueWidth), state: memory.tensor, fresh: memory.fresh },
    };
    // The sum of the keys is the state of values that are all 1.
    const weights = sums ? new GpuTensor(device, [heads, queries], "float32") : undefined;
    const counted = weights &&
      total && {
        ...{ values: undefined, columns: 1, out: { tensor: weights, head: queries, row: 1 } },
        ...{ state: total.tensor, fresh: total.fresh },
      };
    const linear: Linear = {
      ...{ sizes, scale, bonusHeads, before, causal, logs: !factors },
      ...{ q: rows(q, sizes.qHeads, queries, width), k: rows(k, sizes.kHeads, keys, width) },
      gates:
        gated && sizes.gateRank === 1
          ? { tensor: call.on(gated, "float32"), head: 1, row: 0 }
          : gated && rows(gated, sizes.gateHeads, keys, sizes.gateWidth),
      fades: (["token", "channel", "value"] as const)[sizes.channels]!,
      bonus: bonus && call.on(bonus, "float32"),
      parts: [part, ...(counted ? [counted] : [])],
    };
    whole(call, { ...inputs, out, state: memory.tensor });
    if (goesInChunks(call, linear, options.chunk)) chunks(call, linear, shape);
    else steps(call, linear);
    if (epsilon !== undefined) divide(call, sizes, part.out, weights!, epsilon);
    return { out, state: memory.tensor, sums: weights, z: total?.tensor };
  });
}
