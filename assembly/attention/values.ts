/** Whether `count` rows of `width` floats, `stride` bytes apart, are all finite. */
export function finite(source: usize, stride: usize, count: i32, width: i32): bool {
  let zeros = f32x4.splat(0);
  let rest: f32 = 0;
  const whole = (<usize>(width & ~3)) << 2;
  const bytes = (<usize>width) << 2;
  for (let row = 0; row < count; row++) {
    let at: usize = 0;
    for (; at < whole; at += 16) zeros = f32x4.add(zeros, f32x4.mul(v128.load(source + at), f32x4.splat(0)));
    for (; at < bytes; at += 4) rest += load<f32>(source + at) * 0;
    source += stride;
  }
  return rest === 0 && !v128.any_true(f32x4.ne(zeros, zeros));
}

/**
 * sums = factors · sums + values · probabilities for eight queries, where values are infinite or NaN: a key that is not
 * seen must not spread them, and 0 · ∞ is NaN. `values` are those of one column, `step` bytes apart.
 */
export function addSeenValues(values: usize, step: usize, probabilities: usize, count: i32, sums: usize, factors: usize): void {
  let low = f32x4.mul(v128.load(factors), v128.load(sums));
  let high = f32x4.mul(v128.load(factors, 16), v128.load(sums, 16));
  const end = probabilities + ((<usize>count) << 5);
  for (; probabilities < end; probabilities += 32) {
    const value = v128.load32_splat(values);
    low = f32x4.add(low, seen(v128.load(probabilities), value));
    high = f32x4.add(high, seen(v128.load(probabilities, 16), value));
    values += step;
  }
  v128.store(sums, low);
  v128.store(sums, high, 16);
}

@inline
function seen(p: v128, value: v128): v128 {
  return v128.andnot(f32x4.mul(p, value), f32x4.eq(p, f32x4.splat(0)));
}
