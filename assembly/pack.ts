/** Copies of matrices in the order in which `tiles` reads them. Strides are in bytes. */

/**
 * Four rows side by side: for each of `depth` columns the 4 values, `step` bytes after the last ones. Rows that are
 * missing (`rows` < 4) are zeros.
 */
export function interleave(source: usize, stride: usize, rows: i32, depth: i32, target: usize, step: usize): void {
  const s1 = source + stride;
  const s2 = s1 + stride;
  const s3 = s2 + stride;
  let d = 0;
  let at: usize = 0;
  if (rows >= 4)
    for (; d + 4 <= depth; d += 4) {
      const r0 = v128.load(source + at);
      const r1 = v128.load(s1 + at);
      const r2 = v128.load(s2 + at);
      const r3 = v128.load(s3 + at);
      const low01 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
      const low23 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
      const high01 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
      const high23 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
      v128.store(target, v128.shuffle<f32>(low01, low23, 0, 1, 4, 5));
      target += step;
      v128.store(target, v128.shuffle<f32>(low01, low23, 2, 3, 6, 7));
      target += step;
      v128.store(target, v128.shuffle<f32>(high01, high23, 0, 1, 4, 5));
      target += step;
      v128.store(target, v128.shuffle<f32>(high01, high23, 2, 3, 6, 7));
      target += step;
      at += 16;
    }
  for (; d < depth; d++) {
    store<f32>(target, rows > 0 ? load<f32>(source + at) : 0);
    store<f32>(target, rows > 1 ? load<f32>(s1 + at) : 0, 4);
    store<f32>(target, rows > 2 ? load<f32>(s2 + at) : 0, 8);
    store<f32>(target, rows > 3 ? load<f32>(s3 + at) : 0, 12);
    target += step;
    at += 4;
  }
}

/** A panel of eight columns whose values are the rows of `source`: {@link interleave}, twice. */
export function panelOfRows(source: usize, stride: usize, rows: i32, depth: i32, target: usize): void {
  interleave(source, stride, rows, depth, target, 32);
  interleave(source + (stride << 2), stride, rows - 4, depth, target + 16, 32);
}

/** A panel of the first `columns` (at most 8) columns of `depth` rows; zeros beyond. */
export function panelOfColumns(source: usize, stride: usize, columns: i32, depth: i32, target: usize): void {
  const end = target + ((<usize>depth) << 5);
  if (columns >= 8)
    for (; target < end; target += 32) {
      v128.store(target, v128.load(source));
      v128.store(target, v128.load(source, 16), 16);
      source += stride;
    }
  else
    for (; target < end; target += 32) {
      v128.store(target, f32x4.splat(0));
      v128.store(target, f32x4.splat(0), 16);
      copyFloats(source, columns, target);
      source += stride;
    }
}

/** Four panels of eight columns side by side, one after the other: whole lines of the cache are read at once. */
export function fourPanels(source: usize, stride: usize, depth: i32, target: usize): void {
  const panel = (<usize>depth) << 5;
  for (const end = target + panel; target < end; target += 32) {
    let to = target;
    v128.store(to, v128.load(source));
    v128.store(to, v128.load(source, 16), 16);
    to += panel;
    v128.store(to, v128.load(source, 32));
    v128.store(to, v128.load(source, 48), 16);
    to += panel;
    v128.store(to, v128.load(source, 64));
    v128.store(to, v128.load(source, 80), 16);
    to += panel;
    v128.store(to, v128.load(source, 96));
    v128.store(to, v128.load(source, 112), 16);
    source += stride;
  }
}

/** `count` floats, one by one. */
export function copyFloats(source: usize, count: i32, target: usize): void {
  const end = target + ((<usize>count) << 2);
  for (; target < end; target += 4) {
    store<f32>(target, load<f32>(source));
    source += 4;
  }
}

/** `bytes` (a multiple of 16) of zeros. */
export function clear(target: usize, bytes: usize): void {
  const end = target + bytes;
  for (; target < end; target += 16) v128.store(target, f32x4.splat(0));
}

/** `bytes` (a multiple of 16) of one value. */
export function fill(target: usize, bytes: usize, value: f32): void {
  const end = target + bytes;
  for (; target < end; target += 16) v128.store(target, f32x4.splat(value));
}
