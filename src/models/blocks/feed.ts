import type { WasmTensor } from "../../wasm.ts";
import type { Pass } from "../pass.ts";
import type { Feed } from "../plan.ts";

/** A feed-forward block: down · f(up · x), or down · (f(gate · x) · (up · x)). */
export function feed(mixer: Feed, x: WasmTensor, pass: Pass): WasmTensor {
  const { ops } = pass;
  return ops.linear(inner(mixer, x, pass), pass.linear(mixer.down));
}

function inner(mixer: Feed, x: WasmTensor, { ops, linear }: Pass): WasmTensor {
  const up = linear(mixer.up);
  if (!mixer.gated) return ops.activate(ops.linear(x, up), mixer.activation);
  const [gate, other] = ops.halves(x, up);
  const scaled = ops.scaled(gate, mixer.gateScale);
  ops.gated(scaled, other, mixer.activation);
  return scaled;
}
