import { checked } from "../../wasm/options.ts";
import { type DiagonalInputs, type DiagonalOptions, measureDiagonal } from "../../wasm/scan.ts";
import { calling } from "../call.ts";
import type { GpuCarried } from "../carried.ts";
import type { Device } from "../device.ts";
import type { OnGpu } from "../options.ts";
import { type FloatsAnywhere, GpuTensor } from "../tensor.ts";
import { type ScanTuning, scan } from "./scan.ts";

export interface GpuDiagonalStates extends GpuCarried {
  /** The imaginary part of `state`, where there is one. */
  readonly stateIm: GpuTensor<"float32"> | undefined;
}

/**
 * A linear system of each channel whose N states do not mix and do not change with the token (EMA, S4D), in float32:
 * S = keep · S + write · u, out = Re(read · S) + d u, [T, C]. Many tokens of few channels are taken in chunks, side by
 * side.
 *
 * @throws KernelError naming the argument whose shape or values do not fit.
 */
export function diagonalSystem(
  device: Device,
  { u, keep, keepIm, write, read, readIm }: OnGpu<DiagonalInputs> = {} as never,
  options: OnGpu<DiagonalOptions> = {},
  tuning?: ScanTuning,
): GpuDiagonalStates {
  const { d, state, stateIm } = checked("diagonalSystem", options);
  return calling("diagonalSystem", device, (call) => {
    const { T, C, N } = measureDiagonal(call, { state, stateIm, keep, keepIm, write, read, readIm, u, d });
    const on = (tensor: FloatsAnywhere | undefined) => tensor && call.on(tensor, "float32");
    const fresh = (...shape: number[]) => new GpuTensor(device, shape, "float32");
    const [out, last, lastIm] = [fresh(T, C), fresh(C, N), keepIm && fresh(C, N)];
    const sizes = { tokens: T, channels: C, states: N, u: on(u)!, out, numbers: [on(d), undefined] } as const;
    if (lastIm)
      scan(
        call,
        {
          ...{ kind: "complex", ...sizes, tables: [keep, keepIm, write, read, readIm].map(on) },
          ...{ before: [on(state), on(stateIm)], after: [last, lastIm] },
        },
        tuning,
      );
    else
      scan(
        call,
        { kind: "real", ...sizes, tables: [keep, write, read].map(on), before: [on(state)], after: [last] },
        tuning,
      );
    return { out, state: last, stateIm: lastIm };
  });
}
