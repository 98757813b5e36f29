/** Rows of a table of float32, by their numbers (i32 at `indices`). */
export function gather(table: usize, indices: usize, target: usize, count: i32, width: i32): void {
  const row = (<usize>width) << 2;
  for (let i = 0; i < count; i++) {
    memory.copy(target, table + <usize>load<i32>(indices) * row, row);
    indices += 4;
    target += row;
  }
}

/** The same of 2-byte floats: `bfloat` the upper half of a float32, else IEEE's half. */
export function gatherHalves(
  table: usize,
  indices: usize,
  target: usize,
  count: i32,
  width: i32,
  bfloat: bool,
): void {
  for (let i = 0; i < count; i++) {
    let source = table + ((<usize>load<i32>(indices) * width) << 1);
    let d = 0;
    for (; d + 4 <= width; d += 4) {
      const bits = v128.load16x4_u(source);
      v128.store(target, bfloat ? i32x4.shl(bits, 16) : float16(bits));
      source += 8;
      target += 16;
    }
    for (; d < width; d++) {
      const bits = i32x4.splat(load<u16>(source));
      store<f32>(target, f32x4.extract_lane(bfloat ? i32x4.shl(bits, 16) : float16(bits), 0));
      source += 2;
      target += 4;
    }
    indices += 4;
  }
}

/**
 * Four IEEE halves, one in the lower half of each lane, as float32. The exponent is 112 short, which a product with 2^112
 * mends, denormals too; that of infinities and NaN is filled up.
 */
@inline
export function float16(bits: v128): v128 {
  const size = v128.and(bits, i32x4.splat(0x7fff));
  const number = f32x4.mul(i32x4.shl(size, 13), f32x4.splat(5.192296858534828e33));
  const endless = v128.and(i32x4.gt_s(size, i32x4.splat(0x7bff)), i32x4.splat(0x7f800000));
  return v128.or(v128.or(number, endless), i32x4.shl(v128.and(bits, i32x4.splat(0x8000)), 16));
}
