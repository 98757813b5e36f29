/**
 * One token and a state of `width` rows, eight columns of which stand together: `block` bytes separate those, `row`
 * bytes the rows. A row-major state has blocks of 32 bytes.
 */
import { madd } from "../lanes";

/** S = diag(factors) S + k vᵀ. */
export function write(
  state: usize,
  block: usize,
  row: usize,
  factors: usize,
  k: usize,
  v: usize,
  width: i32,
  columns: i32,
): void {
  const end = k + ((<usize>width) << 2);
  let e = 0;
  for (; e + 8 <= columns; e += 8) {
    const v0 = v128.load(v);
    const v1 = v128.load(v, 16);
    let at = state;
    let factor = factors;
    for (let key = k; key < end; key += 4) {
      const f = v128.load32_splat(factor);
      const x = v128.load32_splat(key);
      v128.store(at, madd(x, v0, f32x4.mul(f, v128.load(at))));
      v128.store(at, madd(x, v1, f32x4.mul(f, v128.load(at, 16))), 16);
      at += row;
      factor += 4;
    }
    state += block;
    v += 32;
  }
  for (; e < columns; e++) {
    const value = load<f32>(v);
    let at = state;
    let factor = factors;
    for (let key = k; key < end; key += 4) {
      store<f32>(at, load<f32>(key) * value + load<f32>(factor) * load<f32>(at));
      at += row;
      factor += 4;
    }
    state += 4;
    v += 4;
  }
}

/** S = S diag(factors) + k vᵀ. */
export function writeColumns(
  state: usize,
  block: usize,
  row: usize,
  factors: usize,
  k: usize,
  v: usize,
  width: i32,
  columns: i32,
): void {
  const end = k + ((<usize>width) << 2);
  let e = 0;
  for (; e + 8 <= columns; e += 8) {
    const f0 = v128.load(factors);
    const f1 = v128.load(factors, 16);
    const v0 = v128.load(v);
    const v1 = v128.load(v, 16);
    let at = state;
    for (let key = k; key < end; key += 4) {
      const x = v128.load32_splat(key);
      v128.store(at, madd(x, v0, f32x4.mul(f0, v128.load(at))));
      v128.store(at, madd(x, v1, f32x4.mul(f1, v128.load(at, 16))), 16);
      at += row;
    }
    state += block;
    factors += 32;
    v += 32;
  }
  for (; e < columns; e++) {
    const factor = load<f32>(factors);
    const value = load<f32>(v);
    let at = state;
    for (let key = k; key < end; key += 4) {
      store<f32>(at, load<f32>(key) * value + factor * load<f32>(at));
      at += row;
    }
    state += 4;
    factors += 4;
    v += 4;
  }
}

/** out = scale · Sᵀ q. */
export function read(
  state: usize,
  block: usize,
  row: usize,
  q: usize,
  scale: f32,
  out: usize,
  width: i32,
  columns: i32,
): void {
  const end = q + ((<usize>width) << 2);
  const by = f32x4.splat(scale);
  let e = 0;
  for (; e + 8 <= columns; e += 8) {
    let x0 = f32x4.splat(0);
    let x1 = x0;
    let at = state;
    for (let query = q; query < end; query += 4) {
      const x = v128.load32_splat(query);
      x0 = madd(x, v128.load(at), x0);
      x1 = madd(x, v128.load(at, 16), x1);
      at += row;
    }
    v128.store(out, f32x4.mul(by, x0));
    v128.store(out, f32x4.mul(by, x1), 16);
    state += block;
    out += 32;
  }
  for (; e < columns; e++) {
    let sum: f32 = 0;
    let at = state;
    for (let query = q; query < end; query += 4) {
      sum += load<f32>(query) * load<f32>(at);
      at += row;
    }
    store<f32>(out, scale * sum);
    state += 4;
    out += 4;
  }
}
