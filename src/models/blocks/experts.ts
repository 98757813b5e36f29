import type { WasmTensor } from "../../wasm.ts";
import { sigmoid } from "../ops.ts";
import type { Pass } from "../pass.ts";
import type { Experts } from "../plan.ts";

/** For each token the sum of the outputs of its experts, by the softmax over their router scores. */
export function experts(mixer: Experts, x: WasmTensor, pass: Pass): WasmTensor {
  const { ops } = pass;
  const [rows, width] = x.shape as [number, number];
  const [up, down] = [pass.linear(mixer.up), pass.linear(mixer.down)];
  const inner = down.weight.shape[1]!;
  const shares = choose(ops.linear(x, pass.linear(mixer.router)), mixer.chosen);
  const out = ops.tensor([rows, width]);
  out.data.fill(0);
  for (let expert = 0; expert < mixer.count; expert++) {
    const taking = shares.filter((share) => share.expert === expert);
    if (!taking.length) continue;
    const some = ops.tensor([taking.length, width]);
    taking.forEach(({ row }, i) => {
      some.data.set(x.data.subarray(row * width, (row + 1) * width), i * width);
    });
    const both = ops.linear(some, {
      weight: ops.rowsOf(up.weight, expert * 2 * inner, 2 * inner),
      bias: up.bias && ops.rows(up.bias, expert * 2 * inner, 2 * inner),
    });
    const result = ops.linear(clamped(both, mixer, pass), {
      weight: ops.rowsOf(down.weight, expert * width, width),
      bias: down.bias && ops.rows(down.bias, expert * width, width),
    });
    taking.forEach(({ row, share }, i) => {
      for (let c = 0; c < width; c++) out.data[row * width + c]! += share * result.data[i * width + c]!;
    });
  }
  return out;
}

/** Which experts each row takes, and how much of them; ties go to the lower number. */
function choose(scores: WasmTensor, chosen: number) {
  const [rows, count] = scores.shape as [number, number];
  return Array.from({ length: rows }, (_, row) => {
    const of = [...scores.data.subarray(row * count, (row + 1) * count)];
    const best = of.map((score, expert) => ({ score, expert })).sort((a, b) => b.score - a.score);
    const taken = best.slice(0, chosen);
    const powers = taken.map(({ score }) => Math.exp(score - taken[0]!.score));
    const total = powers.reduce((sum, power) => sum + power, 0);
    return taken.map(({ expert }, i) => ({ row, expert, share: powers[i]! / total }));
  }).flat();
}

/** (up + 1) · gate · σ(α · gate), with gate and up, neighbours in each row, held within the limit. */
function clamped(both: WasmTensor, { limit, alpha }: Experts, { ops }: Pass): WasmTensor {
  const [rows, two] = both.shape as [number, number];
  const out = ops.tensor([rows, two / 2]);
  const [from, to] = [both.data, out.data];
  for (let i = 0; i < to.length; i++) {
    const gate = Math.min(from[2 * i]!, limit);
    const up = Math.min(Math.max(from[2 * i + 1]!, -limit), limit);
    to[i] = (up + 1) * gate * sigmoid(alpha * gate);
  }
  return out;
}
