/** State-space duality over chunks of 64 tokens, by products of matrices. */
import type { Before } from "../carried.ts";
import { lines, storage, xyzw } from "../wgsl.ts";
import { chunk, fadeRows, type SsdVectors, ssdParams } from "./params.ts";
import {
  deep,
  shareLeft,
  shareLeftTurned,
  shareRight,
  shareRightTurned,
  side,
  type TileShape,
  threadsOf,
  tileMultiply,
  tileShared,
  tileStart,
} from "./tile.ts";

export interface ChunkProgram extends TileShape, SsdVectors {}

const type = (vector: boolean) => (vector ? "vec4f" : "f32");

/**
 * `name(start, column4, inside)`: four neighbours of a row that begins at `start`, 0 beyond its length and outside. Without
 * branches; reads beyond an array give something else of it.
 */
const row = (name: string, array: string, length: string, vector: boolean): string =>
  vector
    ? `fn ${name}(start: u32, column4: u32, inside: bool) -> vec4f {
  return select(vec4f(), ${array}[start / 4u + column4], inside & (4u * column4 < ${length}));
}`
    : `fn ${name}(start: u32, column4: u32, inside: bool) -> vec4f {
  let column = 4u * column4;
  let at = start + column;
  let four = vec4f(${array}[at], ${array}[at + 1u], ${array}[at + 2u], ${array}[at + 3u]);
  return select(vec4f(), four, vec4<bool>(inside) & (vec4u(column, column + 1u, column + 2u, column + 3u) < vec4u(${length})));
}`;

const rowOfB = (token: string) => `params.b + ((first + ${token}) * params.groups + together) * params.states`;
const rowOfC = (token: string) => `params.c + ((first + ${token}) * params.groups + together) * params.states`;
const rowOfU = (token: string) => `params.u + ((first + ${token}) * params.heads + head) * params.width`;
const exists = (token: string) => `first + ${token} < params.tokens`;

const main = (shape: TileShape, body: string): string => `${tileShared}
@compute @workgroup_size(${threadsOf(shape)})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let first = group.z * ${chunk}u;
${tileStart(shape)}
${body}
}
`;

/** c[t] · b[s] of a chunk and a group of heads: 64 rows of 64. */
export const scoresProgram = (program: ChunkProgram): string => `${ssdParams.wgsl}
${storage(1, "b", type(program.deep))}
${storage(2, "c", type(program.deep))}
${storage(3, "scores", "vec4f", true)}
${row("readB", "b", "params.states", program.deep)}
${row("readC", "c", "params.states", program.deep)}
${main(
  program,
  `let together = group.y;
for (var n = 0u; n < params.states; n += ${deep}u) {
  workgroupBarrier();
${shareLeft(program, (token, four) => `readC(${rowOfC(token)}, n / 4u + ${four}, ${exists(token)})`)}
${shareRightTurned(program, (token, four) => `readB(${rowOfB(token)}, n / 4u + ${four}, ${exists(token)})`)}
  workgroupBarrier();
${tileMultiply(program)}
}
let goal = (group.z * params.groups + together) * ${(side * side) / 4}u;
${lines(program.tall, (i) => `scores[goal + (y * ${program.tall}u + ${i}u) * ${side / 4}u + x] = r${i};`)}`,
)}`;

/** What the tokens of a chunk leave in the state of a head: a row for each state, of as many numbers as u has features. */
export function leavesProgram(program: ChunkProgram): string {
  const { tall, wide } = program;
  return `${ssdParams.wgsl}
${storage(1, "u", type(wide))}
${storage(2, "b", type(program.deep))}
${storage(3, "faded", "f32")}
${storage(4, "states", type(wide), true)}
${row("readU", "u", "params.width", wide)}
${row("readB", "b", "params.states", program.deep)}
${main(
  program,
  `let tiles = (params.width + ${side - 1}u) / ${side}u;
let column4 = (group.x % tiles) * ${side / 4}u;
let state = (group.x / tiles) * ${side}u;
let head = group.y;
let together = head / (params.heads / params.groups);
let fade = (group.z * params.heads + head) * ${fadeRows * chunk}u + ${3 * chunk}u;
for (var s = 0u; s < ${chunk}u; s += ${deep}u) {
  if (first + s >= params.tokens) { break; }
  workgroupBarrier();
${shareLeftTurned(program, (inner, four) => `readB(${rowOfB(`s + ${inner}`)}, state / 4u + ${four}, ${exists(`s + ${inner}`)})`)}
${shareRight(program, (inner, four) => `faded[fade + s + ${inner}] * readU(${rowOfU(`s + ${inner}`)}, column4 + ${four}, ${exists(`s + ${inner}`)})`)}
  workgroupBarrier();
${tileMultiply(program)}
}
let column = 4u * (column4 + x);
${lines(
  tall,
  (i) => `{
let n = state + y * ${tall}u + ${i}u;
let goal = ((group.z * params.heads + head) * params.states + n) * params.width + column;
if (n < params.states) {
${wide ? `if (column < params.width) { states[goal / 4u] = r${i}; }` : lines(4, (c) => `if (column + ${c}u < params.width) { states[goal + ${c}u] = r${i}.${xyzw[c]}; }`)}
}
}`,
)}`,
)}`;
}

export const carryThreads = 64;
/** Chunks that are read at once. */
const ahead = 4;

/** The states from chunk to chunk: what each chunk leaves becomes the state before it. */
export function carryProgram(before: Before): string {
  const held = before === "none" ? "0.0" : before === "same" ? "last[at]" : "state[at]";
  return `${ssdParams.wgsl}
${storage(1, "states", "f32", true)}
${storage(2, "faded", "f32")}
${storage(3, "last", "f32", true)}
${before === "apart" ? storage(4, "state", "f32") : ""}
@compute @workgroup_size(${carryThreads})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let size = params.states * params.width;
  let head = id.y;
  if (id.x >= size) { return; }
  // Rows of states here, rows of features outside.
  let at = head * size + (id.x % params.width) * params.states + id.x / params.width;
  var s = ${held};
  for (var first = 0u; first < params.chunks; first += ${ahead}u) {
${lines(
  ahead,
  (n) => `let at${n} = min(first + ${n}u, params.chunks - 1u) * params.heads + head;
let left${n} = states[at${n} * size + id.x];
let half${n} = exp2(clamp(0.5 * faded[at${n} * ${fadeRows * chunk}u + ${3 * chunk - 1}u], -160.0, 127.9));`,
)}
${lines(
  ahead,
  (n) => `if (first + ${n}u < params.chunks) {
  states[at${n} * size + id.x] = s;
  s = fma(s * half${n}, half${n}, left${n});
}`,
)}
  }
  last[at] = s;
}
`;
}

/**
 * The results of a chunk and a head: from the state before it, and from its own tokens by their scores times what is left
 * of them.
 */
export function resultsProgram(program: ChunkProgram & { readonly skips: boolean }): string {
  const { tall, wide, skips } = program;
  const threads = threadsOf(program);
  const shares = (side * deep) / 4 / threads;
  return `${ssdParams.wgsl}
${storage(1, "u", type(wide))}
${storage(2, "c", type(program.deep))}
${storage(3, "faded", "f32")}
${storage(4, "scores", "vec4f")}
${storage(5, "states", type(wide))}
${storage(6, "out", type(wide), true)}
${skips ? storage(7, "d", "f32") : ""}
var<workgroup> steps: array<f32, ${chunk}>;
var<workgroup> exponents: array<f32, ${chunk}>;
var<workgroup> since: array<f32, ${chunk}>;
var<workgroup> after: array<f32, ${chunk}>;
${row("readU", "u", "params.width", wide)}
${row("readC", "c", "params.states", program.deep)}
${row("readState", "states", "params.width", wide)}
/**
 * What is left after token t of what the four tokens from s + 4 four on wrote, of a part of ${deep} that begins at s; 0 if they
 * come later. Parts come from the last to the first, and between is the sum of the exponents from the part after this one to t.
 */
fn left4(t: u32, s: u32, four: u32, between: f32) -> vec4f {
  let at = s + 4u * four;
  if (t < at) { return vec4f(); }
  if (t >= s + ${deep}u) {
    let e = vec4f(between) + vec4f(after[at], after[at + 1u], after[at + 2u], after[at + 3u]);
    return exp2(clamp(e, vec4f(-160.0), vec4f(127.9)));
  }
  var sum = 0.0;
  for (var r = at + 4u; r <= t; r++) { sum += exponents[r]; }
  let third = sum + select(0.0, exponents[at + 3u], at + 3u <= t);
  let second = third + select(0.0, exponents[at + 2u], at + 2u <= t);
  let first = second + select(0.0, exponents[at + 1u], at + 1u <= t);
  let left = exp2(clamp(vec4f(first, second, third, sum), vec4f(-160.0), vec4f(127.9)));
  return select(vec4f(), left, vec4u(at, at + 1u, at + 2u, at + 3u) <= vec4u(t));
}
/** The same sum for the part before. */
fn between(t: u32, s: u32, sum: f32) -> f32 {
  if (t < s) { return 0.0; }
  if (t >= s + ${deep}u) { return sum + after[s] + exponents[s]; }
  var own = 0.0;
  for (var r = s; r <= t; r++) { own += exponents[r]; }
  return own;
}
${main(
  program,
  `let column4 = group.x * ${side / 4}u;
let head = group.y;
let together = head / (params.heads / params.groups);
let fade = (group.z * params.heads + head) * ${fadeRows * chunk}u;
for (var t = local; t < ${chunk}u; t += ${threads}u) {
  steps[t] = faded[fade + t];
  exponents[t] = faded[fade + ${chunk}u + t];
  since[t] = faded[fade + ${2 * chunk}u + t];
}
workgroupBarrier();
for (var t = local; t < ${chunk}u; t += ${threads}u) {
  var sum = 0.0;
  for (var r = t + 1u; r % ${deep}u != 0u; r++) { sum += exponents[r]; }
  after[t] = sum;
}
for (var n = 0u; n < params.states; n += ${deep}u) {
  workgroupBarrier();
${shareLeft(program, (token, four) => `readC(${rowOfC(token)}, n / 4u + ${four}, ${exists(token)})`)}
${shareRight(program, (inner, four) => `readState(((group.z * params.heads + head) * params.states + n + ${inner}) * params.width, column4 + ${four}, n + ${inner} < params.states)`)}
  workgroupBarrier();
${tileMultiply(program)}
}
${lines(tall, (i) => `r${i} *= exp2(clamp(since[y * ${tall}u + ${i}u], -160.0, 127.9));`)}
let score = (group.z * params.groups + together) * ${(side * side) / 4}u;
${lines(shares, (n) => `var between${n} = 0.0;`)}
for (var s = ${chunk - deep}; s >= 0; s -= ${deep}) {
  let begin = u32(s);
  if (first + begin >= params.tokens) { continue; }
  workgroupBarrier();
${lines(shares, (n) => {
  const [token, four] = [`(local + ${n * threads}u) / ${deep / 4}u`, `local % ${deep / 4}u`];
  return `{
let t = ${token};
let weights = scores[score + t * ${side / 4}u + begin / 4u + ${four}];
left[t * ${deep / 4 + 1}u + ${four}] = weights * left4(t, begin, ${four}, between${n});
between${n} = between(t, begin, between${n});
}`;
})}
${shareRight(program, (inner, four) => `steps[begin + ${inner}] * readU(${rowOfU(`begin + ${inner}`)}, column4 + ${four}, ${exists(`begin + ${inner}`)})`)}
  workgroupBarrier();
${tileMultiply(program)}
}
let column = 4u * (column4 + x);
${lines(
  tall,
  (i) => `{
let t = y * ${tall}u + ${i}u;
if (${exists("t")}) {
let start = ((first + t) * params.heads + head) * params.width;
${skips ? `r${i} += d[head] * readU(params.u + start, column4 + x, true);` : ""}
let goal = params.out + start + column;
${wide ? `if (column < params.width) { out[goal / 4u] = r${i}; }` : lines(4, (c) => `if (column + ${c}u < params.width) { out[goal + ${c}u] = r${i}.${xyzw[c]}; }`)}
}
}`,
)}`,
)}`;
}
