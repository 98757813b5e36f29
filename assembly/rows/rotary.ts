import { madd } from "../lanes";

/**
 * Turns the first `turned` (even) features of each row in planes, row by row; the rest are copied. Plane i of a row at
 * place p turns by the cosine and sine at p · turned/2 + i of the two tables. Rows stand as [outer, places, inner]; `at`
 * holds the place of each in the tables as an i32, or is 0: then they count from `first`. Target and source may be the
 * same.
 */
export function rotate(
  source: usize,
  target: usize,
  cosines: usize,
  sines: usize,
  at: usize,
  first: i32,
  outer: i32,
  places: i32,
  inner: i32,
  width: i32,
  turned: i32,
  interleaved: bool,
): void {
  const row = (<usize>width) << 2;
  const rest = (<usize>turned) << 2;
  for (let o = 0; o < outer; o++)
    for (let p = 0; p < places; p++) {
      const place = at ? load<i32>(at + (p << 2)) : first + p;
      const table = ((<usize>place * turned) >> 1) << 2;
      for (let i = 0; i < inner; i++) {
        if (interleaved) turnNeighbours(source, target, cosines + table, sines + table, turned);
        else turnHalves(source, target, cosines + table, sines + table, turned);
        if (source !== target && rest < row) memory.copy(target + rest, source + rest, row - rest);
        source += row;
        target += row;
      }
    }
}

/** Features i and i + turned/2. */
function turnHalves(source: usize, target: usize, cosines: usize, sines: usize, turned: i32): void {
  const half = (<usize>turned) << 1;
  let d: usize = 0;
  for (; d + 16 <= half; d += 16) {
    const c = v128.load(cosines + d);
    const s = v128.load(sines + d);
    const x = v128.load(source + d);
    const y = v128.load(source + d + half);
    v128.store(target + d, madd(x, c, f32x4.neg(f32x4.mul(y, s))));
    v128.store(target + d + half, madd(x, s, f32x4.mul(y, c)));
  }
  for (; d < half; d += 4) {
    const c = load<f32>(cosines + d);
    const s = load<f32>(sines + d);
    const x = load<f32>(source + d);
    const y = load<f32>(source + d + half);
    store<f32>(target + d, x * c - y * s);
    store<f32>(target + d + half, x * s + y * c);
  }
}

/** Features 2i and 2i + 1. */
function turnNeighbours(source: usize, target: usize, cosines: usize, sines: usize, turned: i32): void {
  const end = source + ((<usize>turned) << 2);
  // The first of two gets its minus here.
  const signs = f32x4(-0.0, 0, -0.0, 0);
  for (; source + 16 <= end; source += 16) {
    const c = v128.load64_zero(cosines);
    const s = v128.load64_zero(sines);
    const x = v128.load(source);
    const crossed = f32x4.mul(v128.shuffle<f32>(x, x, 1, 0, 3, 2), v128.shuffle<f32>(s, s, 0, 0, 1, 1));
    v128.store(target, madd(x, v128.shuffle<f32>(c, c, 0, 0, 1, 1), v128.xor(crossed, signs)));
    target += 16;
    cosines += 8;
    sines += 8;
  }
  if (source < end) {
    const c = load<f32>(cosines);
    const s = load<f32>(sines);
    const x = load<f32>(source);
    const y = load<f32>(source, 4);
    store<f32>(target, x * c - y * s);
    store<f32>(target, x * s + y * c, 4);
  }
}
