import type { WasmTensor } from "../../wasm.ts";
import type { Pass } from "../pass.ts";
import type { Feed } from "../plan.ts";

/** Rows at a time: what is inside is several times as wide as x, and more rows at once are no faster. */
const most = 128;

/** A feed-forward block: down · f(up · x), or down · (f(gate · x) · (up · x)). */
export function feed(mixer: Feed, x: WasmTensor, pass: Pass): WasmTensor {
  const { ops } = pass;
  const [rows, width] = x.shape as [number, number];
  const out = ops.tensor([rows, width]);
  for (let row = 0; row < rows; row += most)
    ops.within(() => {
      const count = Math.min(most, rows - row);
      const some = inner(mixer, ops.rows(x, row, count), pass);
      ops.linear(some, pass.linear(mixer.down), ops.rows(out, row, count));
    });
  return out;
}

function inner(mixer: Feed, x: WasmTensor, { ops, linear }: Pass): WasmTensor {
  const up = linear(mixer.up);
  if (!mixer.gated) return ops.activate(ops.linear(x, up), mixer.activation);
  const [gate, other] = ops.halves(x, up);
  const scaled = ops.scaled(gate, mixer.gateScale);
  ops.gated(scaled, other, mixer.activation);
  return scaled;
}
