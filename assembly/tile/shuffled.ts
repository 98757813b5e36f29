import { madd } from "../lanes";

/**
 * Four rows, loaded at once and spread by shuffles: a quarter of the loads, which engines that check every one pay for.
 */
export function shuffled(
  a: usize,
  aGroup: usize,
  groups: i32,
  b: usize,
  depth: i32,
  c: usize,
  cStep: usize,
  factors: usize,
): void {
  const end = b + ((<usize>depth) << 5);
  for (let group = 0; group < groups; group++) {
    let row = a;
    const c1 = c + cStep;
    const c2 = c1 + cStep;
    const c3 = c2 + cStep;
    let x00 = f32x4.splat(0);
    let x01 = f32x4.splat(0);
    let x10 = f32x4.splat(0);
    let x11 = f32x4.splat(0);
    let x20 = f32x4.splat(0);
    let x21 = f32x4.splat(0);
    let x30 = f32x4.splat(0);
    let x31 = f32x4.splat(0);
    for (let column = b; column < end; column += 32) {
      const b0 = v128.load(column);
      const b1 = v128.load(column, 16);
      const all = v128.load(row);
      const a0 = v128.shuffle<f32>(all, all, 0, 0, 0, 0);
      x00 = madd(a0, b0, x00);
      x01 = madd(a0, b1, x01);
      const a1 = v128.shuffle<f32>(all, all, 1, 1, 1, 1);
      x10 = madd(a1, b0, x10);
      x11 = madd(a1, b1, x11);
      const a2 = v128.shuffle<f32>(all, all, 2, 2, 2, 2);
      x20 = madd(a2, b0, x20);
      x21 = madd(a2, b1, x21);
      const a3 = v128.shuffle<f32>(all, all, 3, 3, 3, 3);
      x30 = madd(a3, b0, x30);
      x31 = madd(a3, b1, x31);
      row += 16;
    }
    if (factors) {
      const low = v128.load(factors);
      const high = v128.load(factors, 16);
      x00 = madd(low, v128.load(c), x00);
      x01 = madd(high, v128.load(c, 16), x01);
      x10 = madd(low, v128.load(c1), x10);
      x11 = madd(high, v128.load(c1, 16), x11);
      x20 = madd(low, v128.load(c2), x20);
      x21 = madd(high, v128.load(c2, 16), x21);
      x30 = madd(low, v128.load(c3), x30);
      x31 = madd(high, v128.load(c3, 16), x31);
    }
    v128.store(c, x00);
    v128.store(c, x01, 16);
    v128.store(c1, x10);
    v128.store(c1, x11, 16);
    v128.store(c2, x20);
    v128.store(c2, x21, 16);
    v128.store(c3, x30);
    v128.store(c3, x31, 16);
    a += aGroup;
    c = c3 + cStep;
  }
}
