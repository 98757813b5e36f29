/** Norms of rows. */
import type { Norm } from "../../wasm/rows.ts";
import { params } from "../params.ts";
import { storage } from "../wgsl.ts";
import { entry, joined, placed, threads } from "./layout.ts";

export interface NormProgram {
  readonly lanes: number;
  readonly kind: Norm;
  readonly weight: boolean;
  readonly bias: boolean;
  readonly residual: boolean;
  readonly sum: boolean;
}

export const normParams = params({
  ...{ rows: "u32", width: "u32", x: "u32", residual: "u32", out: "u32", sum: "u32", epsilon: "f32", offset: "f32" },
});

/** The bindings after x and the result, in order, and whether they are written. */
export const furtherOf = (program: NormProgram) =>
  (["residual", "sum", "weight", "bias"] as const).filter((name) => program[name]);

/** Rows are brought near 1 by a power of two, so that no square of a large number is too large. */
export function normProgram(program: NormProgram): string {
  const { lanes, kind, weight, bias, residual, sum } = program;
  const each = (body: string) => `if (works) {
    for (var i = lane; i < params.width; i += ${lanes}u) {
      let value = at(row, i);
      ${body}
    }
  }`;
  return `${normParams.wgsl}
${storage(1, "x", "f32")}
${storage(2, "out", "f32", true)}
${furtherOf(program)
  .map((name, i) => storage(3 + i, name, "f32", name === "sum"))
  .join("\n")}
var<workgroup> tops: array<u32, ${threads}>;
var<workgroup> sums: array<f32, ${threads}>;
fn at(row: u32, i: u32) -> f32 {
  let place = row * params.width + i;
  return x[params.x + place]${residual ? " + residual[params.residual + place]" : ""};
}
/** A root as near as can be, which the built-in one need not be. */
fn root(square: f32) -> f32 {
  let near = sqrt(square);
  let better = fma(fma(-near, near, square), 0.5 / near, near);
  return select(near, better, (near > 0.0) & (near < 1.0e30));
}
${entry} {
${placed(lanes)}
  var most = 0u;
  ${each("most = max(most, bitcast<u32>(value) & 0x7fffffffu);")}
  tops[local] = most;
  ${joined(lanes, "tops", (a, b) => `max(${a}, ${b})`)}
  let factor = bitcast<f32>(clamp(254u - min(tops[local - lane] >> 23u, 254u), 27u, 167u) << 23u);
  let count = f32(params.width);
  ${
    kind === "layer"
      ? `var total = 0.0;
  ${each("total += value * factor;")}
  sums[local] = total;
  ${joined(lanes, "sums", (a, b) => `${a} + ${b}`)}
  let mean = sums[local - lane] / count;
  workgroupBarrier();`
      : "const mean = 0.0;"
  }
  var squares = 0.0;
  ${each("let off = fma(value, factor, -mean);\n      squares = fma(off, off, squares);")}
  sums[local] = squares;
  ${joined(lanes, "sums", (a, b) => `${a} + ${b}`)}
  squares = sums[local - lane];
  let size = ${
    kind === "l2"
      ? "max(root(squares), params.epsilon * factor)"
      : "root(squares / count + params.epsilon * factor * factor)"
  };
  let over = 1.0 / size;
  ${each(`let off = fma(value, factor, -mean);
      var y = off * over;
      // What the rounding of the quotient has left.
      y = fma(fma(-y, size, off), over, y);
      ${weight ? "y *= params.offset + weight[i];" : ""}
      ${bias ? "y += bias[i];" : ""}
      out[params.out + row * params.width + i] = y;
      ${sum ? "sum[params.sum + row * params.width + i] = value;" : ""}`)}
}
`;
}
