/** The states from chunk to chunk: what each chunk leaves becomes the state before it. */
import { params } from "../params.ts";
import { lines, storage } from "../wgsl.ts";
import { fieldAt, fieldsOf, type Kind, localAt, power, storeState } from "./pass-program.ts";

export interface CarryProgram {
  readonly kind: Kind;
  readonly states4: number;
  readonly vector: boolean;
}

/** Chunks are of `length` tokens but the last, of `rest`. */
export const carryParams = params({
  ...{ channels: "u32", states: "u32", rows: "u32", row: "u32", count: "u32", length: "u32", rest: "u32" },
});

export const carryThreads = 64;
/** Chunks that are read at once. */
const ahead = 4;

/** Powers of numbers that may turn. */
const turns = `fn product(a: Turn, b: Turn) -> Turn {
  return Turn(fma(a.re, b.re, -a.im * b.im), fma(a.re, b.im, a.im * b.re));
}
fn raised(keep: Turn, count: u32) -> Turn {
  var all = Turn(vec4f(1.0), vec4f());
  var factor = keep;
  for (var n = count; n > 0u; n = n / 2u) {
    if ((n & 1u) != 0u) { all = product(all, factor); }
    factor = product(factor, factor);
  }
  return all;
}`;

export function carryProgram({ kind, states4, vector }: CarryProgram): string {
  const selective = kind === "selective";
  const complex = kind === "complex";
  const held = vector ? "vec4f" : "f32";
  const fields = fieldsOf[kind].length;
  let places = 0;
  const bound = (name: string, type: string, written = false) => storage(++places, name, type, written);
  const at = (part: number) => `chunks[${localAt(kind, states4, part, "i")}]`;
  // What is left after a chunk in two factors, each of which is finite where their product may not be.
  const next = selective
    ? (n: number) => `let half = ${power(`rate * sum${n}`)};
    s.re = fma(s.re * half, half, re${n});`
    : (n: number) => `if (chunk + 1u == params.count) {
      one = raised(keep, params.rest / 2u);
      other = raised(keep, params.rest - params.rest / 2u);
    }
    s = product(product(s, one), other);
    s.re += re${n};
    ${complex ? `s.im += im${n};` : ""}`;
  return `${carryParams.wgsl}
${bound("chunks", "vec4f", true)}
${bound("table", "vec4f")}
${selective ? bound("sums", "f32") : ""}
${bound("last", held, true)}
${complex ? bound("lastIm", held, true) : ""}
struct Turn { re: vec4f, im: vec4f }
${selective ? "" : turns}
@compute @workgroup_size(${carryThreads})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let channel = id.x;
  let i = id.y;
  if (channel >= params.channels) { return; }
  var s = Turn(${fieldAt(fields, "i")}, ${complex ? fieldAt(fields + 1, "i") : "vec4f()"});
  ${
    selective
      ? `let rate = ${fieldAt(0, "i")} * 0.7213475204444817;`
      : `let keep = Turn(${fieldAt(0, "i")}, ${complex ? fieldAt(1, "i") : "vec4f()"});
  var one = raised(keep, params.length / 2u);
  var other = raised(keep, params.length - params.length / 2u);`
  }
  for (var first = 0u; first < params.count; first += ${ahead}u) {
${lines(
  ahead,
  (n) => `var re${n}: vec4f;
${complex ? `var im${n}: vec4f;` : ""}
${selective ? `var sum${n}: f32;` : ""}
{
  let chunk = min(first + ${n}u, params.count - 1u);
  re${n} = ${at(0)};
  ${complex ? `im${n} = ${at(1)};` : ""}
  ${selective ? `sum${n} = sums[chunk * params.channels + channel];` : ""}
}`,
)}
${lines(
  ahead,
  (n) => `if (first + ${n}u < params.count) {
    let chunk = first + ${n}u;
    ${at(0)} = s.re;
    ${complex ? `${at(1)} = s.im;` : ""}
    ${next(n)}
  }`,
)}
  }
  ${storeState("last", "s.re", "i", vector)}
  ${complex ? storeState("lastIm", "s.im", "i", vector) : ""}
}
`;
}
