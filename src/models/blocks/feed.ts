import type { WasmTensor } from "../../wasm.ts";
import type { Pass } from "../pass.ts";
import type { Feed } from "../plan.ts";

/** A feed-forward block: down · f(up · x), or down · (f(gate · x) · (up · x)). */
export function feed(mixer: Feed, x: WasmTensor, pass: Pass): WasmTensor {
  const { ops } = pass;
  const up = ops.linear(x, pass.linear(mixer.up));
  const inner = mixer.gated ? ops.gate(up, mixer.activation, mixer.gateScale) : ops.activate(up, mixer.activation);
  return ops.linear(inner, pass.linear(mixer.down));
}
