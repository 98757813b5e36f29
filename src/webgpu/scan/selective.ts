import { checked } from "../../wasm/options.ts";
import { measureScan, type ScanInputs, type ScanOptions } from "../../wasm/scan.ts";
import { calling } from "../call.ts";
import { type GpuCarried, targets } from "../carried.ts";
import type { Device } from "../device.ts";
import type { OnGpu } from "../options.ts";
import { type ScanTuning, scan } from "./scan.ts";

/**
 * Selective scan (Mamba) in float32: every channel has N states, S = exp(Δ a) S + Δ b u for each token, and gives
 * out = (c · S + d u) silu(z), [T, C]. `state` is [C, N]. One token at a time is a call with T = 1. Many tokens of few
 * channels are taken in chunks, side by side.
 *
 * @throws KernelError naming the argument whose shape or values do not fit.
 */
export function selectiveScan(
  device: Device,
  { u, delta, a, b, c }: OnGpu<ScanInputs> = {} as never,
  options: OnGpu<ScanOptions> = {},
  tuning?: ScanTuning,
): GpuCarried {
  const { d, z, bias, softplus = false } = checked("selectiveScan", options);
  return calling("selectiveScan", device, (call) => {
    const inputs = { u, delta, a, b, c, d, z, bias };
    const { T, C, N } = measureScan(call, inputs);
    const { out, last, before } = targets(call, options, [T, C], [C, N], inputs);
    const on = (tensor: (typeof inputs)["d"]) => tensor && call.on(tensor, "float32");
    scan(
      call,
      {
        ...{ kind: "selective", tokens: T, channels: C, states: N, u: on(u)!, out, softplus },
        ...{ delta: on(delta), b: on(b), c: on(c), z: on(z) },
        ...{ tables: [on(a)], numbers: [on(d), on(bias)], before: [before], after: [last] },
      },
      tuning,
    );
    return { out, state: last };
  });
}
