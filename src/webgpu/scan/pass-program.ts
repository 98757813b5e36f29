/** Scans over some tokens: an invocation keeps some states of a channel and goes through the tokens of a chunk. */

import { silu, softplus } from "../functions.ts";
import { params } from "../params.ts";
import { lines, reader, storage, xyzw } from "../wgsl.ts";

/** What states go through: decays that change with the token, or multiples that do not, without or with a turn. */
export type Kind = "selective" | "real" | "complex";

export interface ScanShape {
  /** Vectors of four states that an invocation keeps. */
  readonly states4: number;
  /** Channels of a workgroup. */
  readonly threads: number;
}

export interface PassProgram extends ScanShape {
  readonly kind: Kind;
  /**
   * `local`: what the tokens of each chunk leave, from zeros, and the sum of its steps; `apply`: the results from the state
   * before each chunk; `whole`: one chunk, results and the state after it.
   */
  readonly pass: "local" | "apply" | "whole";
  /** Whether there are multiples of four states. */
  readonly vector: boolean;
  readonly gated: boolean;
  readonly softplus: boolean;
}

/** `row` is the first vector of states, of `rows` in all; `opens` and `closes` say whether it is the first and the last part. */
export const passParams = params({
  ...{ tokens: "u32", channels: "u32", states: "u32", length: "u32", rows: "u32", row: "u32" },
  ...{ u: "u32", delta: "u32", b: "u32", c: "u32", z: "u32", out: "u32", opens: "u32", closes: "u32" },
});

/** The tables of each kind, in their order; the states come after them. */
export const fieldsOf = {
  selective: ["a"],
  real: ["keep", "write", "read"],
  complex: ["keep", "keepIm", "write", "read", "readIm"],
} as const;
export const partsOf = (kind: Kind): number => (kind === "complex" ? 2 : 1);

/** The vector of row `row + i` of a table. */
export const fieldAt = (field: number, i: string): string =>
  `table[(1u + ${field}u * params.rows + params.row + ${i}) * params.channels + channel]`;
/** A vector of what is kept of a chunk. */
export const localAt = (kind: Kind, states4: number, part: number, i: string): string =>
  `(chunk * ${partsOf(kind) * states4}u + ${part * states4}u + ${i}) * params.channels + channel`;

/** 2^x, neither ∞ nor of what hardware does not take. */
export const power = (x: string): string => `exp2(clamp(${x}, vec4f(-160.0), vec4f(127.9)))`;

/** Stores a vector of states of a channel as rows of states. */
export const storeState = (name: string, value: string, i: string, vector: boolean): string =>
  vector
    ? `if (4u * (params.row + ${i}) < params.states) { ${name}[channel * (params.states / 4u) + params.row + ${i}] = ${value}; }`
    : xyzw
        .map(
          (lane, k) =>
            `if (4u * (params.row + ${i}) + ${k}u < params.states) { ${name}[channel * params.states + 4u * (params.row + ${i}) + ${k}u] = ${value}.${lane}; }`,
        )
        .join("\n");

/** Tokens whose b and c are shared at a time. */
const stage = 32;

export function passProgram(program: PassProgram): string {
  const { kind, pass, states4, threads, vector, gated } = program;
  const selective = kind === "selective";
  const complex = kind === "complex";
  const outs = pass !== "local";
  const fields = fieldsOf[kind];
  const held = vector ? "vec4f" : "f32";
  let places = 0;
  const bound = (name: string, type = "f32", written = false) => storage(++places, name, type, written);
  const each = (f: (i: number) => string) => lines(states4, f);
  const four = (array: string, base: string) =>
    `vec4f(${xyzw.map((_, j) => `${array}[${base} + min(token + ${j}u, most) * params.channels + channel]`).join(", ")})`;
  const staged = (name: string, read: string, base: string) =>
    `${name}[at] = ${read}(${base}, first + at / ${states4}u, params.row + at % ${states4}u);`;
  const step = {
    selective: (i: number) => `s${i} = fma(${power(`step * a${i}`)}, s${i}, entry * written[place + ${i}u]);
${outs ? `sum = fma(asked[place + ${i}u], s${i}, sum);` : ""}`,
    real: (i: number) => `s${i} = fma(keep${i}, s${i}, write${i} * u4.x);
${outs ? `sum = fma(read${i}, s${i}, sum);` : ""}`,
    complex: (i: number) => `{
let re = fma(keep${i}, s${i}, fma(-keepIm${i}, t${i}, write${i} * u4.x));
t${i} = fma(keep${i}, t${i}, keepIm${i} * s${i});
s${i} = re;
${outs ? `sum = fma(read${i}, s${i}, fma(-readIm${i}, t${i}, sum));` : ""}
}`,
  }[kind];
  const started = (part: number, i: number) =>
    pass === "local"
      ? "vec4f()"
      : pass === "apply"
        ? `chunks[${localAt(kind, states4, part, `${i}u`)}]`
        : fieldAt(fields.length + part, `${i}u`);
  return `${passParams.wgsl}
${bound("u")}
${bound("table", "vec4f")}
${selective ? `${bound("delta")}\n${bound("b", held)}` : ""}
${selective && outs ? bound("c", held) : ""}
${selective && outs && gated ? bound("z") : ""}
${outs ? bound("out", "f32", true) : ""}
${pass === "whole" ? `${bound("last", held, true)}\n${complex ? bound("lastIm", held, true) : ""}` : bound("chunks", "vec4f", pass === "local")}
${selective && pass === "local" ? bound("sums", "f32", true) : ""}
${selective && program.softplus ? softplus : ""}
${selective && outs && gated ? silu("f32") : ""}
${
  selective
    ? `var<workgroup> written: array<vec4f, ${stage * states4}>;
${reader("readB", "b", "params.tokens", "params.states", vector)}`
    : ""
}
${
  selective && outs
    ? `var<workgroup> asked: array<vec4f, ${stage * states4}>;
${reader("readC", "c", "params.tokens", "params.states", vector)}`
    : ""
}
@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let inside = group.x * ${threads}u + local < params.channels;
  let channel = min(group.x * ${threads}u + local, params.channels - 1u);
  let chunk = group.y;
  let begin = chunk * params.length;
  let end = min(begin + params.length, params.tokens);
  let most = max(params.tokens, 1u) - 1u;
  let numbers = table[channel];
${fields.map((name, f) => each((i) => `let ${name}${i} = ${fieldAt(f, `${i}u`)}${selective ? " * 1.4426950408889634" : ""};`)).join("\n")}
${each((i) => `var s${i} = ${started(0, i)};`)}
${complex ? each((i) => `var t${i} = ${started(1, i)};`) : ""}
${selective && pass === "local" ? "var total = 0.0;" : ""}
  for (var first = begin; first < end; first += ${stage}u) {
    let stop = min(first + ${stage}u, end);
${
  selective
    ? `workgroupBarrier();
for (var at = local; at < ${stage * states4}u; at += ${threads}u) {
  ${staged("written", "readB", "params.b")}
  ${outs ? staged("asked", "readC", "params.c") : ""}
}
workgroupBarrier();`
    : ""
}
    for (var token = first; token < stop; token += 4u) {
      var u4 = ${four("u", "params.u")};
${selective ? `var step4 = ${four("delta", "params.delta")} + vec4f(numbers.y);` : ""}
${selective && program.softplus ? "step4 = vec4f(softplus(step4.x), softplus(step4.y), softplus(step4.z), softplus(step4.w));" : ""}
${selective && outs && gated ? `var z4 = ${four("z", "params.z")};` : ""}
      for (var at = token; at < min(token + 4u, stop); at++) {
${
  selective
    ? `let place = (at - first) * ${states4}u;
let step = step4.x;
let entry = step * u4.x;
step4 = step4.yzwx;`
    : ""
}
${outs ? "var sum = vec4f();" : ""}
${each(step)}
${selective && pass === "local" ? "total += step;" : ""}
${
  outs
    ? `var y = (sum.x + sum.y) + (sum.z + sum.w);
let goal = params.out + at * params.channels + channel;
if (params.opens != 0u) { y = fma(numbers.x, u4.x, y); } else { y += out[goal]; }
${gated ? "if (params.closes != 0u) { y *= silu(z4.x); }\nz4 = z4.yzwx;" : ""}
if (inside) { out[goal] = y; }`
    : ""
}
        u4 = u4.yzwx;
      }
    }
  }
  if (!inside) { return; }
${
  pass === "local"
    ? `${each((i) => `chunks[${localAt(kind, states4, 0, `${i}u`)}] = s${i};`)}
${complex ? each((i) => `chunks[${localAt(kind, states4, 1, `${i}u`)}] = t${i};`) : ""}
${selective ? "sums[chunk * params.channels + channel] = total;" : ""}`
    : ""
}
${
  pass === "whole"
    ? `${each((i) => storeState("last", `s${i}`, `${i}u`, vector))}
${complex ? each((i) => storeState("lastIm", `t${i}`, `${i}u`, vector)) : ""}`
    : ""
}
}
`;
}
