import { madd } from "../lanes";
import { exponential, ln } from "../scalars";

/**
 * Results over disjoint sets of keys, each with its log-sum-exps, become the result over all keys. Rows of a part are
 * those of heads and queries; `outHead`, `outRow` and `lseHead` separate them, `part` and `lsePart` the parts, in bytes.
 * What a part says of a row of which it saw nothing (−∞) is not read.
 */
export function merge(
  parts: usize,
  part: usize,
  lses: usize,
  lsePart: usize,
  count: i32,
  heads: i32,
  queries: i32,
  width: i32,
  outHead: usize,
  outRow: usize,
  lseHead: usize,
  out: usize,
  lse: usize,
): void {
  for (let head = 0; head < heads; head++)
    for (let query = 0; query < queries; query++) {
      const row = <usize>head * outHead + <usize>query * outRow;
      const place = <usize>head * lseHead + (<usize>query << 2);
      let top: f64 = -Infinity;
      for (let p = 0; p < count; p++) top = max(top, <f64>load<f32>(lses + <usize>p * lsePart + place));
      let total: f64 = 0;
      if (top !== -Infinity)
        for (let p = 0; p < count; p++) total += weight(load<f32>(lses + <usize>p * lsePart + place), top);
      const whole = top === -Infinity ? top : top + ln(total);
      store<f32>(lse + place, <f32>whole);
      for (let i = 0; i < width; i++) store<f32>(out + row + (i << 2), 0);
      for (let p = 0; p < count; p++) {
        const one = load<f32>(lses + <usize>p * lsePart + place);
        if (one === -Infinity) continue;
        add(<f32>(weight(one, top) / total), parts + <usize>p * part + row, width, out + row);
      }
    }
}

/** e^(one − top); a top of +∞ or NaN leaves NaN. */
@inline
function weight(one: f32, top: f64): f64 {
  const x = <f64>one - top;
  return x !== x ? NaN : x < -690 ? 0 : exponential(x);
}

function add(factor: f32, source: usize, width: i32, target: usize): void {
  const by = f32x4.splat(factor);
  let i = 0;
  for (; i + 4 <= width; i += 4) {
    v128.store(target, madd(by, v128.load(source), v128.load(target)));
    source += 16;
    target += 16;
  }
  for (; i < width; i++) {
    store<f32>(target, load<f32>(target) + factor * load<f32>(source));
    source += 4;
    target += 4;
  }
}
