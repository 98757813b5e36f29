/** Softmax and logarithm of the sum of exponentials of rows. */
import { functions } from "../functions.ts";
import { params } from "../params.ts";
import { storage } from "../wgsl.ts";
import { entry, joined, placed, rank, threads } from "./layout.ts";

export interface SoftmaxProgram {
  readonly lanes: number;
  /** Whether the logarithms of the sums are asked for instead of the weights. */
  readonly logarithms: boolean;
}

export const softmaxParams = params({
  ...{ rows: "u32", width: "u32", x: "u32", out: "u32" },
  ...{ endless: "u32", notANumber: "u32" },
});

export function softmaxProgram({ lanes, logarithms }: SoftmaxProgram): string {
  return `${softmaxParams.wgsl}
${storage(1, "x", "u32")}
${storage(2, "out", "u32", true)}
var<workgroup> tops: array<u32, ${threads}>;
var<workgroup> sums: array<f32, ${threads}>;
${functions("f32", "bitcast<f32>(params.endless)")}
${rank}
fn weigh(bits: u32, top: f32) -> f32 {
  let hidden = bits == 0xff800000u;
  return select(weightOf(bitcast<f32>(select(bits, 0u, hidden)) - top), 0.0, hidden);
}
${entry} {
${placed(lanes)}
  let start = params.x + select(0u, row, works) * params.width;
  var most = 0u;
  if (works) { for (var i = lane; i < params.width; i += ${lanes}u) { most = max(most, rank(x[start + i])); } }
  tops[local] = most;
  ${joined(lanes, "tops", (a, b) => `max(${a}, ${b})`)}
  most = tops[local - lane];
  // Of infinities and NaN there is nothing to add up.
  let finite = (most > rankOfMinusInfinity) & (most < rankOfInfinity);
  let top = bitcast<f32>(select(0u, ranked(most), finite));
  var sum = 0.0;
  if (works & finite) { for (var i = lane; i < params.width; i += ${lanes}u) { sum += weigh(x[start + i], top); } }
  sums[local] = sum;
  ${joined(lanes, "sums", (a, b) => `${a} + ${b}`)}
  sum = sums[local - lane];
  if (!works) { return; }
  ${
    logarithms
      ? `if (lane == 0u) {
    let special = select(ranked(most), params.notANumber, most > rankOfInfinity);
    out[params.out + row] = select(special, bitcast<u32>(top + logarithm(max(sum, 1.0e-30))), finite);
  }`
      : `let over = 1.0 / max(sum, 1.0e-30);
  let special = select(params.notANumber, 0u, most == rankOfMinusInfinity);
  for (var i = lane; i < params.width; i += ${lanes}u) {
    let weight = bitcast<u32>(weigh(x[start + i], top) * over);
    out[params.out + row * params.width + i] = select(special, weight, finite);
  }`
  }
}
`;
}
