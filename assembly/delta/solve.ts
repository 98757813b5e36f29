import { madd } from "../lanes";

/**
 * The eight writes of a panel that read each other, four columns: u = beta · (u + L u), L below its diagonal. `scores`
 * holds eight floats for each write s, that of reader t at place t. `panel` has rows of eight columns, as has `betas`
 * if `betaStep` is not 0 (its rows are `betaStep` bytes apart); else it is eight numbers.
 */
export function solve(scores: usize, panel: usize, betas: usize, betaStep: usize): void {
  const u0 = f32x4.mul(v128.load(panel), beta(betas, betaStep, 0));
  let u1 = madd(v128.load32_splat(scores, 4), u0, v128.load(panel, 32));
  let u2 = madd(v128.load32_splat(scores, 8), u0, v128.load(panel, 64));
  let u3 = madd(v128.load32_splat(scores, 12), u0, v128.load(panel, 96));
  let u4 = madd(v128.load32_splat(scores, 16), u0, v128.load(panel, 128));
  let u5 = madd(v128.load32_splat(scores, 20), u0, v128.load(panel, 160));
  let u6 = madd(v128.load32_splat(scores, 24), u0, v128.load(panel, 192));
  let u7 = madd(v128.load32_splat(scores, 28), u0, v128.load(panel, 224));
  v128.store(panel, u0);
  u1 = f32x4.mul(u1, beta(betas, betaStep, 1));
  u2 = madd(v128.load32_splat(scores, 40), u1, u2);
  u3 = madd(v128.load32_splat(scores, 44), u1, u3);
  u4 = madd(v128.load32_splat(scores, 48), u1, u4);
  u5 = madd(v128.load32_splat(scores, 52), u1, u5);
  u6 = madd(v128.load32_splat(scores, 56), u1, u6);
  u7 = madd(v128.load32_splat(scores, 60), u1, u7);
  v128.store(panel, u1, 32);
  u2 = f32x4.mul(u2, beta(betas, betaStep, 2));
  u3 = madd(v128.load32_splat(scores, 76), u2, u3);
  u4 = madd(v128.load32_splat(scores, 80), u2, u4);
  u5 = madd(v128.load32_splat(scores, 84), u2, u5);
  u6 = madd(v128.load32_splat(scores, 88), u2, u6);
  u7 = madd(v128.load32_splat(scores, 92), u2, u7);
  v128.store(panel, u2, 64);
  u3 = f32x4.mul(u3, beta(betas, betaStep, 3));
  u4 = madd(v128.load32_splat(scores, 112), u3, u4);
  u5 = madd(v128.load32_splat(scores, 116), u3, u5);
  u6 = madd(v128.load32_splat(scores, 120), u3, u6);
  u7 = madd(v128.load32_splat(scores, 124), u3, u7);
  v128.store(panel, u3, 96);
  u4 = f32x4.mul(u4, beta(betas, betaStep, 4));
  u5 = madd(v128.load32_splat(scores, 148), u4, u5);
  u6 = madd(v128.load32_splat(scores, 152), u4, u6);
  u7 = madd(v128.load32_splat(scores, 156), u4, u7);
  v128.store(panel, u4, 128);
  u5 = f32x4.mul(u5, beta(betas, betaStep, 5));
  u6 = madd(v128.load32_splat(scores, 184), u5, u6);
  u7 = madd(v128.load32_splat(scores, 188), u5, u7);
  v128.store(panel, u5, 160);
  u6 = f32x4.mul(u6, beta(betas, betaStep, 6));
  u7 = madd(v128.load32_splat(scores, 220), u6, u7);
  v128.store(panel, u6, 192);
  v128.store(panel, f32x4.mul(u7, beta(betas, betaStep, 7)), 224);
}

@inline
function beta(betas: usize, step: usize, row: usize): v128 {
  return step ? v128.load(betas + row * step) : v128.load32_splat(betas + (row << 2));
}

/**
 * target += L u for the eight rows of a panel, four columns: L with its diagonal if `inclusive`, else below it. What a
 * row may not see is not multiplied by 0 but left out: it may be NaN.
 */
export function within(scores: usize, panel: usize, inclusive: bool, target: usize): void {
  let x0 = v128.load(target);
  let x1 = v128.load(target, 32);
  let x2 = v128.load(target, 64);
  let x3 = v128.load(target, 96);
  let x4 = v128.load(target, 128);
  let x5 = v128.load(target, 160);
  let x6 = v128.load(target, 192);
  let x7 = v128.load(target, 224);
  let u = v128.load(panel);
  if (inclusive) x0 = madd(v128.load32_splat(scores), u, x0);
  x1 = madd(v128.load32_splat(scores, 4), u, x1);
  x2 = madd(v128.load32_splat(scores, 8), u, x2);
  x3 = madd(v128.load32_splat(scores, 12), u, x3);
  x4 = madd(v128.load32_splat(scores, 16), u, x4);
  x5 = madd(v128.load32_splat(scores, 20), u, x5);
  x6 = madd(v128.load32_splat(scores, 24), u, x6);
  x7 = madd(v128.load32_splat(scores, 28), u, x7);
  u = v128.load(panel, 32);
  if (inclusive) x1 = madd(v128.load32_splat(scores, 36), u, x1);
  x2 = madd(v128.load32_splat(scores, 40), u, x2);
  x3 = madd(v128.load32_splat(scores, 44), u, x3);
  x4 = madd(v128.load32_splat(scores, 48), u, x4);
  x5 = madd(v128.load32_splat(scores, 52), u, x5);
  x6 = madd(v128.load32_splat(scores, 56), u, x6);
  x7 = madd(v128.load32_splat(scores, 60), u, x7);
  u = v128.load(panel, 64);
  if (inclusive) x2 = madd(v128.load32_splat(scores, 72), u, x2);
  x3 = madd(v128.load32_splat(scores, 76), u, x3);
  x4 = madd(v128.load32_splat(scores, 80), u, x4);
  x5 = madd(v128.load32_splat(scores, 84), u, x5);
  x6 = madd(v128.load32_splat(scores, 88), u, x6);
  x7 = madd(v128.load32_splat(scores, 92), u, x7);
  u = v128.load(panel, 96);
  if (inclusive) x3 = madd(v128.load32_splat(scores, 108), u, x3);
  x4 = madd(v128.load32_splat(scores, 112), u, x4);
  x5 = madd(v128.load32_splat(scores, 116), u, x5);
  x6 = madd(v128.load32_splat(scores, 120), u, x6);
  x7 = madd(v128.load32_splat(scores, 124), u, x7);
  u = v128.load(panel, 128);
  if (inclusive) x4 = madd(v128.load32_splat(scores, 144), u, x4);
  x5 = madd(v128.load32_splat(scores, 148), u, x5);
  x6 = madd(v128.load32_splat(scores, 152), u, x6);
  x7 = madd(v128.load32_splat(scores, 156), u, x7);
  u = v128.load(panel, 160);
  if (inclusive) x5 = madd(v128.load32_splat(scores, 180), u, x5);
  x6 = madd(v128.load32_splat(scores, 184), u, x6);
  x7 = madd(v128.load32_splat(scores, 188), u, x7);
  u = v128.load(panel, 192);
  if (inclusive) x6 = madd(v128.load32_splat(scores, 216), u, x6);
  x7 = madd(v128.load32_splat(scores, 220), u, x7);
  if (inclusive) x7 = madd(v128.load32_splat(scores, 252), v128.load(panel, 224), x7);
  v128.store(target, x0);
  v128.store(target, x1, 32);
  v128.store(target, x2, 64);
  v128.store(target, x3, 96);
  v128.store(target, x4, 128);
  v128.store(target, x5, 160);
  v128.store(target, x6, 192);
  v128.store(target, x7, 224);
}
