import { madd, silu } from "../lanes";
import { copyFloats } from "../pack";
import { read, write } from "./some";

/** Channels that go through all rows of a stretch together: their rows and taps stay in the first cache. */
const CHANNELS = 512;

/** Bytes of scratch that {@link convolve} needs: taps by distance, and the state with the rows that follow it. */
export function convolveScratch(channels: i32, taps: i32): usize {
  return (<usize>channels * (3 * taps - 2)) << 2;
}

/**
 * Short causal convolution, channel by channel: out[t] = Σⱼ weights[·, j] · x[t − taps + 1 + j] + bias, and its SiLU with
 * `activate`. `x` and `out` are rows × channels, `weights` channels × taps; `state` (0 for zeros) holds the taps − 1 rows
 * before the first, the oldest first, and `last` gets those before the next; it may be `state`. `bias` may be 0.
 */
export function convolve(
  x: usize,
  weights: usize,
  bias: usize,
  state: usize,
  out: usize,
  last: usize,
  rows: i32,
  channels: i32,
  taps: i32,
  activate: bool,
  scratch: usize,
): void {
  const row = (<usize>channels) << 2;
  const before = taps - 1;
  const turned = scratch;
  const window = turned + <usize>taps * row;
  for (let c = 0; c < channels; c++)
    for (let j = 0; j < taps; j++)
      store<f32>(turned + <usize>j * row + (<usize>c << 2), load<f32>(weights + ((<usize>(c * taps + j)) << 2)));
  // The first rows reach back into the state, so they are taken from a copy in which it stands before them.
  const first = min(before, rows);
  if (state) copyFloats(state, before * channels, window);
  else for (let at: usize = 0; at < <usize>before * row; at += 4) store<f32>(window + at, 0);
  copyFloats(x, first * channels, window + <usize>before * row);
  copyFloats(rows < before ? window + <usize>rows * row : x + <usize>(rows - before) * row, before * channels, last);
  for (let c = 0; c < channels; c += CHANNELS) {
    const wide = min(channels - c, CHANNELS);
    const at: usize = c << 2;
    const added = bias ? bias + at : 0;
    slide(window + at, turned + at, added, out + at, first, wide, taps, row, activate);
    slide(x + at, turned + at, added, out + <usize>first * row + at, rows - first, wide, taps, row, activate);
  }
}

/** `source` is the oldest row that the first result reads. */
function slide(
  source: usize,
  weights: usize,
  bias: usize,
  out: usize,
  rows: i32,
  channels: i32,
  taps: i32,
  row: usize,
  activate: bool,
): void {
  for (let t = 0; t < rows; t++) {
    let c = 0;
    for (; c + 16 <= channels; c += 16) {
      const at: usize = c << 2;
      let x0 = f32x4.splat(0);
      let x1 = x0;
      let x2 = x0;
      let x3 = x0;
      if (bias) {
        x0 = v128.load(bias + at);
        x1 = v128.load(bias + at, 16);
        x2 = v128.load(bias + at, 32);
        x3 = v128.load(bias + at, 48);
      }
      let w = weights + at;
      let x = source + at;
      for (let j = 0; j < taps; j++) {
        x0 = madd(v128.load(w), v128.load(x), x0);
        x1 = madd(v128.load(w, 16), v128.load(x, 16), x1);
        x2 = madd(v128.load(w, 32), v128.load(x, 32), x2);
        x3 = madd(v128.load(w, 48), v128.load(x, 48), x3);
        w += row;
        x += row;
      }
      if (activate) {
        x0 = silu(x0);
        x1 = silu(x1);
        x2 = silu(x2);
        x3 = silu(x3);
      }
      v128.store(out + at, x0);
      v128.store(out + at, x1, 16);
      v128.store(out + at, x2, 32);
      v128.store(out + at, x3, 48);
    }
    for (; c < channels; c += 4) {
      const at: usize = c << 2;
      const count = channels - c;
      let sum = bias ? read(bias + at, count) : f32x4.splat(0);
      for (let j = 0; j < taps; j++)
        sum = madd(read(weights + at + <usize>j * row, count), read(source + at + <usize>j * row, count), sum);
      write(out + at, activate ? silu(sum) : sum, count);
    }
    source += row;
    out += row;
  }
}
