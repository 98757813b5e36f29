/** Results and states of recurrences on a GPU. */
import type { CarriedOptions } from "../wasm/carried.ts";
import type { GpuCall } from "./call.ts";
import type { OnGpu } from "./options.ts";
import type { FloatsAnywhere, GpuTensor } from "./tensor.ts";

export interface GpuCarried {
  readonly out: GpuTensor<"float32">;
  /** What the next call takes as `state`. */
  readonly state: GpuTensor<"float32">;
}

/** Where a state comes from: nowhere, a buffer of its own, or the one it goes to. A program must not bind one twice. */
export type Before = "none" | "apart" | "same";

/** Where results and states stand, checked. */
export function targets(
  call: GpuCall,
  { state, into, stateInto }: OnGpu<CarriedOptions>,
  outShape: readonly number[],
  stateShape: readonly number[],
  inputs: Readonly<Record<string, FloatsAnywhere | undefined>>,
) {
  if (state) call.same("state", state, stateShape);
  const out = call.target("into", outShape, into, { ...inputs, state });
  const last = call.target("stateInto", stateShape, stateInto, { ...inputs, into });
  const before = state && call.on(state, "float32");
  const from: Before = !before ? "none" : before.buffer === last.buffer ? "same" : "apart";
  return { out, last, before, from };
}
