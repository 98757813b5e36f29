import { asked, type DeltaRuleOptions } from "../../wasm/delta.ts";
import { checked } from "../../wasm/options.ts";
import { calling } from "../call.ts";
import type { TileShape } from "../chunks/tile.ts";
import type { Device } from "../device.ts";
import type { OnGpu } from "../options.ts";
import { carried, whole } from "../state.ts";
import type { FloatsAnywhere, GpuTensor } from "../tensor.ts";
import { chunks, goesInChunks } from "./chunks.ts";
import type { Rows } from "./job.ts";
import { steps } from "./steps.ts";

export interface GpuDeltaRuled {
  /** [H, T, E], or [T, H, E] with the tokens first. */
  readonly out: GpuTensor<"float32">;
  /** [H, D, E], the state after the last token. */
  readonly state: GpuTensor<"float32">;
}

/**
 * The delta rule in float32: q [Hk, T, D], k [Hk, TR, D], v [H, TR, E], as the call of `attnspec/wasm`.
 *
 * Many writes go in chunks, all of whose systems are solved at once, except with `diagonal` or a β for each column;
 * `chunk: 1` keeps to the recurrence, a larger one to chunks. Values must be finite: what comes later is multiplied by 0.
 * Given a `state` that is `stateInto` too, one token is one small dispatch.
 *
 * @throws KernelError naming the argument whose shape or values do not fit.
 */
export function deltaRule(
  device: Device,
  q: FloatsAnywhere,
  k: FloatsAnywhere,
  v: FloatsAnywhere,
  options: OnGpu<DeltaRuleOptions> = {},
  shape?: TileShape,
): GpuDeltaRuled {
  const { gate, decay, beta, read, erase, state, into, stateInto } = checked("deltaRule", options);
  return calling("deltaRule", device, (call) => {
    const { sizes, scale, writes, readBefore, diagonal } = asked(call, { q, k, v }, options, false);
    const inputs = { q, k, v, gate, decay, beta, read, erase };
    const [heads, width, valueWidth] = [sizes.of("H"), sizes.of("D"), sizes.of("E")];
    const out = call.target("into", sizes.shape("H T E"), into, { ...inputs, state, stateInto });
    const memory = carried(call, "state", state, stateInto, [heads, width, valueWidth], inputs);
    whole(call, { ...inputs, out, state: memory.tensor });
    const rows = (tensor: FloatsAnywhere, letters: string): Rows => {
      const [head, row] = sizes.strides(letters);
      return { tensor: call.on(tensor, "float32"), head: head / 4, row: row / 4 };
    };
    const gates = gate ?? decay;
    const [gateWide, betaWide] = [gates?.shape.length === 3, beta?.shape.length === 3];
    const delta = {
      ...{ heads, keyHeads: sizes.of("Hk"), tokens: sizes.of("T"), writes, width, valueWidth, scale },
      ...{ q: rows(q, "Hk T D"), k: rows(k, "Hk TR D"), v: rows(v, "H TR E") },
      ...{ read: read && rows(read, "Hk TR D"), erase: erase && rows(erase, "Hk TR D") },
      ...{ beta: beta && rows(beta, betaWide ? "H TR E" : "H TR"), betaWide },
      ...{ gate: gates && rows(gates, gateWide ? "H T D" : "H T"), gateWide, logs: gate !== undefined },
      ...{ readBefore, diagonal, out: rows(out, "H T E"), state: memory.tensor, fresh: memory.fresh },
    };
    if (goesInChunks(call, delta, options.chunk)) chunks(call, delta, shape);
    else steps(call, delta);
    return { out, state: memory.tensor };
  });
}
