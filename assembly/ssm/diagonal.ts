import { madd } from "../lanes";
import { clear, interleave } from "../pack";
import { deal } from "./deal";
import { DiagonalJob } from "./diagonal-job";
import { flush, read, write } from "./some";

/** Tokens that all channels go through before the next ones: their rows stay in the first cache. */
const TOKENS = 64;
const TABLES = 7;

/** Bytes of scratch that {@link diagonal} needs: the tables, four channels side by side. */
export function diagonalScratch(channels: i32, states: i32): usize {
  return (<usize>(TABLES * ((channels + 3) & ~3)) * states) << 2;
}

/**
 * A linear system of each channel whose states do not mix and do not change with the token: S = keep · S + write · u,
 * out = Re(read · S) + d u. `write` is real.
 */
export function diagonal(job: DiagonalJob): void {
  const states = job.states;
  const table = (<usize>states) << 4;
  const group = <usize>TABLES * table;
  let at = job.scratch;
  for (let channel = 0; channel < job.channels; channel += 4) {
    for (let i = 0; i < TABLES; i++) {
      const source = load<usize>(changetype<usize>(job) + ((<usize>i) << 2));
      const rows = job.channels - channel;
      if (source) interleave(source + ((<usize>(channel * states)) << 2), states << 2, rows, states, at, 16);
      else clear(at, table);
      at += table;
    }
  }
  for (let token = 0; token < job.tokens; token += TOKENS) {
    const to = min(token + TOKENS, job.tokens);
    at = job.scratch;
    for (let channel = 0; channel < job.channels; channel += 4) {
      if (job.complex) stretch(job, true, channel, token, to, at, table);
      else stretch(job, false, channel, token, to, at, table);
      at += group;
    }
  }
  at = job.scratch;
  for (let channel = 0; channel < job.channels; channel += 4) {
    const offset = (<usize>(channel * states)) << 2;
    deal(at, 16, states, job.last + offset, states << 2, job.channels - channel);
    if (job.complex) deal(at + table, 16, states, job.lastIm + offset, states << 2, job.channels - channel);
    at += group;
  }
}

/** Four channels over some tokens; their tables stand at `first`. */
@inline
function stretch(job: DiagonalJob, complex: bool, channel: i32, from: i32, to: i32, first: usize, table: usize): void {
  const count = job.channels - channel;
  const row = (<usize>job.channels) << 2;
  const end = first + table;
  const skip = job.d ? read(job.d + (channel << 2), count) : f32x4.splat(0);
  let place = <usize>from * row + (channel << 2);
  for (let token = from; token < to; token++) {
    const u = read(job.u + place, count);
    let y = f32x4.mul(skip, u);
    for (let re = first; re < end; re += 16) {
      const im = re + table;
      const keep = im + table;
      const keepIm = keep + table;
      const written = keepIm + table;
      const gain = written + table;
      const s = v128.load(re);
      let next = madd(v128.load(keep), s, f32x4.mul(v128.load(written), u));
      if (complex) {
        const sIm = v128.load(im);
        next = f32x4.sub(next, f32x4.mul(v128.load(keepIm), sIm));
        const nextIm = madd(v128.load(keep), sIm, f32x4.mul(v128.load(keepIm), s));
        v128.store(im, nextIm);
        y = f32x4.sub(y, f32x4.mul(v128.load(gain + table), nextIm));
      }
      v128.store(re, next);
      y = madd(v128.load(gain), next, y);
    }
    write(job.out + place, y, count);
    place += row;
  }
  for (let re = first; re < end; re += 16) {
    v128.store(re, flush(v128.load(re)));
    if (complex) v128.store(re + table, flush(v128.load(re + table)));
  }
}
