/**
 * The converse of `interleave`: four values side by side, and the next ones `step` bytes after them, go to four rows, of
 * which only `rows` are there.
 */
export function deal(source: usize, step: usize, depth: i32, target: usize, stride: usize, rows: i32): void {
  let d = 0;
  const t1 = target + stride;
  const t2 = t1 + stride;
  const t3 = t2 + stride;
  let at: usize = 0;
  if (rows >= 4)
    for (; d + 4 <= depth; d += 4) {
      const c0 = v128.load(source);
      const c1 = v128.load(source + step);
      const c2 = v128.load(source + 2 * step);
      const c3 = v128.load(source + 3 * step);
      const low01 = v128.shuffle<f32>(c0, c1, 0, 4, 1, 5);
      const low23 = v128.shuffle<f32>(c2, c3, 0, 4, 1, 5);
      const high01 = v128.shuffle<f32>(c0, c1, 2, 6, 3, 7);
      const high23 = v128.shuffle<f32>(c2, c3, 2, 6, 3, 7);
      v128.store(target + at, v128.shuffle<f32>(low01, low23, 0, 1, 4, 5));
      v128.store(t1 + at, v128.shuffle<f32>(low01, low23, 2, 3, 6, 7));
      v128.store(t2 + at, v128.shuffle<f32>(high01, high23, 0, 1, 4, 5));
      v128.store(t3 + at, v128.shuffle<f32>(high01, high23, 2, 3, 6, 7));
      source += 4 * step;
      at += 16;
    }
  for (; d < depth; d++) {
    if (rows > 0) store<f32>(target + at, load<f32>(source));
    if (rows > 1) store<f32>(t1 + at, load<f32>(source, 4));
    if (rows > 2) store<f32>(t2 + at, load<f32>(source, 8));
    if (rows > 3) store<f32>(t3 + at, load<f32>(source, 12));
    source += step;
    at += 4;
  }
}
