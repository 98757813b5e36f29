import { madd } from "./lanes";

/**
 * The arithmetic of `tiles` without its loads: twelve sums in registers, `rounds` times. 96 operations a round; what no
 * kernel can surpass, measured beside them. Stores a result, so that nothing is left out.
 */
export function peak(rounds: i32, target: usize): void {
  const a = v128.load(target);
  const b = v128.load(target, 16);
  let x0 = a;
  let x1 = a;
  let x2 = a;
  let x3 = a;
  let x4 = a;
  let x5 = a;
  let x6 = a;
  let x7 = a;
  let x8 = a;
  let x9 = a;
  let xa = a;
  let xb = a;
  for (let i = 0; i < rounds; i++) {
    x0 = madd(x0, b, a);
    x1 = madd(x1, b, a);
    x2 = madd(x2, b, a);
    x3 = madd(x3, b, a);
    x4 = madd(x4, b, a);
    x5 = madd(x5, b, a);
    x6 = madd(x6, b, a);
    x7 = madd(x7, b, a);
    x8 = madd(x8, b, a);
    x9 = madd(x9, b, a);
    xa = madd(xa, b, a);
    xb = madd(xb, b, a);
  }
  const low = f32x4.add(f32x4.add(f32x4.add(x0, x1), f32x4.add(x2, x3)), f32x4.add(x4, x5));
  const high = f32x4.add(f32x4.add(f32x4.add(x6, x7), f32x4.add(x8, x9)), f32x4.add(xa, xb));
  v128.store(target, f32x4.add(low, high));
}

/** Places that are read side by side, one page of memory apart: one place at a time keeps too few lines under way. */
const PAGE: usize = 4096;

/**
 * Reads `bytes` (a multiple of 16 KiB) once and does next to nothing with them: what no kernel that reads them can
 * surpass.
 */
export function sweep(source: usize, bytes: usize): f32 {
  const end = source + bytes;
  let a = f32x4.splat(0);
  let b = a;
  let c = a;
  let d = a;
  for (; source < end; source += 3 * PAGE)
    for (const stop = source + PAGE; source < stop; source += 64) {
      a = v128.xor(a, v128.load(source));
      b = v128.xor(b, v128.load(source, 16));
      c = v128.xor(c, v128.load(source, 32));
      d = v128.xor(d, v128.load(source, 48));
      a = v128.xor(a, v128.load(source, PAGE));
      b = v128.xor(b, v128.load(source, PAGE + 16));
      c = v128.xor(c, v128.load(source, PAGE + 32));
      d = v128.xor(d, v128.load(source, PAGE + 48));
      a = v128.xor(a, v128.load(source, 2 * PAGE));
      b = v128.xor(b, v128.load(source, 2 * PAGE + 16));
      c = v128.xor(c, v128.load(source, 2 * PAGE + 32));
      d = v128.xor(d, v128.load(source, 2 * PAGE + 48));
      a = v128.xor(a, v128.load(source, 3 * PAGE));
      b = v128.xor(b, v128.load(source, 3 * PAGE + 16));
      c = v128.xor(c, v128.load(source, 3 * PAGE + 32));
      d = v128.xor(d, v128.load(source, 3 * PAGE + 48));
    }
  return f32x4.extract_lane(v128.xor(v128.xor(a, b), v128.xor(c, d)), 0);
}
