/** Functions of single values, over whole tensors. */
import type { Elementwise } from "../wasm/elementwise.ts";
import { functions } from "./functions.ts";
import { params } from "./params.ts";
import { storage } from "./wgsl.ts";

export interface PointwiseProgram {
  /** Of the first; none: it stays. */
  readonly f?: Elementwise | undefined;
  /** What is done with it and the second, if there is one. */
  readonly joined?: "sum" | "product" | undefined;
}

export const pointwiseParams = params({ vectors: "u32", endless: "u32" });
export const pointwiseThreads = 256;

/** The names of the functions in WGSL, and whether they grow without bound. */
const names: Readonly<Record<Elementwise, readonly [name: string, endless: boolean]>> = {
  ...{ exp: ["exponential", true], log: ["logarithms", true], tanh: ["tangents", false], sigmoid: ["sigmoid", false] },
  ...{ softplus: ["softplus", true], silu: ["silu", true], gelu: ["gelu", true], "gelu-tanh": ["geluTanh", true] },
  ...{ normal: ["normal", false], relu: ["relu", true], weight: ["weightOf", false], weight2: ["weight2", false] },
};

/** ln of any number: of those below 2^−126 too, −∞ of 0 and NaN of what is below. */
const logarithms = `fn logarithms(bits: vec4u) -> vec4u {
  let tiny = bits < vec4u(0x800000u);
  let whole = select(bitcast<vec4f>(bits), vec4f(bits), tiny);
  let found = bitcast<vec4u>(logarithm(max(whole, vec4f(1.1754944e-38))) - select(vec4f(), vec4f(103.27893), tiny));
  let positive = select(found, vec4u(0xff800000u), (bits & vec4u(0x7fffffffu)) == vec4u());
  return select(positive, vec4u(0x7fc00000u), bits > vec4u(0x80000000u));
}`;

/** In vectors of four; memory reaches to whole ones. WGSL may take it that there is no NaN and no ∞: bits tell. */
export function pointwiseProgram({ f, joined }: PointwiseProgram): string {
  const [name, endless] = f ? names[f] : ["", false];
  return `${pointwiseParams.wgsl}
${storage(1, "a", "vec4u")}
${storage(2, "out", "vec4u", true)}
${joined ? storage(3, "b", "vec4f") : ""}
${f ? functions("vec4f", "bitcast<f32>(params.endless)") : ""}
${f === "log" ? logarithms : ""}
@compute @workgroup_size(${pointwiseThreads})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let at = (group.x + group.y * groups.x) * ${pointwiseThreads}u + local;
  if (at >= params.vectors) { return; }
  let bits = a[at];
${
  f
    ? `  let size = bits & vec4u(0x7fffffffu);
  let finite = min(size, vec4u(0x7f7fffffu)) | (bits & vec4u(0x80000000u));
  var found = ${f === "log" ? "logarithms(finite)" : `bitcast<vec4u>(${name}(bitcast<vec4f>(finite)))`};
  ${endless ? "found = select(found, vec4u(0x7f800000u), bits == vec4u(0x7f800000u));" : ""}
  found = select(found, bits | vec4u(0x400000u), size > vec4u(0x7f800000u));`
    : "  let found = bits;"
}
  out[at] = ${joined ? `bitcast<vec4u>(bitcast<vec4f>(found) ${joined === "sum" ? "+" : "*"} b[at])` : "found"};
}
`;
}
