import type { Call } from "./call.ts";
import { optional } from "./measure.ts";
import type { Floats, WasmTensor } from "./tensor.ts";

/** Result and state of a recurrence. */
export interface Carried {
  readonly out: Floats;
  /** What the next call takes as `state`. */
  readonly state: Floats;
}

export interface CarriedOptions {
  /** What came out as `state` of the tokens before. Default: zeros. */
  readonly state?: Floats | undefined;
  /** A tensor of the kernels' memory for the result; may not overlap the inputs. Default: the result is a copy outside. */
  readonly into?: WasmTensor | undefined;
  /** The same for the state; it may be `state` itself, which is then brought up to date. */
  readonly stateInto?: WasmTensor | undefined;
}

/** Where results and states of a recurrence stand, checked. */
export function targets(
  call: Call,
  { state, into, stateInto }: CarriedOptions,
  outShape: readonly number[],
  stateShape: readonly number[],
  inputs: Readonly<Record<string, Floats | undefined>>,
) {
  if (state) call.same("state", state, stateShape);
  const out = call.target("into", outShape, into, { ...inputs, state });
  const last = call.target("stateInto", stateShape, stateInto, { ...inputs, into });
  if (stateInto) call.target("stateInto", stateShape, stateInto, { state }, ["state"]);
  return {
    out,
    last,
    state: optional(call, "state", state),
    results: (): Carried => ({ out: call.result(out, into), state: call.result(last, stateInto) }),
  };
}
