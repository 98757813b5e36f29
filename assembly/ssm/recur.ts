import { madd } from "../lanes";
import { flush } from "./some";

/**
 * The linear recurrence of each channel by itself: out[t] = factors[t] · out[t − 1] + x[t], out[−1] = `state` (0 for
 * zeros). All are rows × channels; `out` may be `x`, `last` gets the last row and may be `state`.
 */
export function recur(
  factors: usize,
  x: usize,
  state: usize,
  out: usize,
  last: usize,
  rows: i32,
  channels: i32,
): void {
  const row = (<usize>channels) << 2;
  let before = state;
  for (let t = 0; t < rows; t++) {
    step(factors, x, before, out, channels);
    factors += row;
    x += row;
    before = out;
    out += row;
  }
  for (let at: usize = 0; at < row; at += 4) store<f32>(last + at, before ? load<f32>(before + at) : 0);
}

function step(factors: usize, x: usize, before: usize, out: usize, channels: i32): void {
  let c = 0;
  for (; c + 4 <= channels; c += 4) {
    const at: usize = c << 2;
    const held = before ? v128.load(before + at) : f32x4.splat(0);
    v128.store(out + at, flush(madd(v128.load(factors + at), held, v128.load(x + at))));
  }
  for (; c < channels; c++) {
    const at: usize = c << 2;
    const held = before ? v128.load32_splat(before + at) : f32x4.splat(0);
    const s = flush(madd(v128.load32_splat(factors + at), held, v128.load32_splat(x + at)));
    store<f32>(out + at, f32x4.extract_lane(s, 0));
  }
}
