import { madd } from "../lanes";
import { Plan } from "./plan";

/**
 * Four discrete Fourier transforms side by side, one a lane: `from` holds for each point four real and four imaginary
 * parts. Returns where the result stands, in the same order: `from` or `other`, both of which are written to. The inverse
 * (without the factor 1 / length) is the same with real and imaginary parts exchanged.
 *
 * By Stockham: from stage to stage the points go from one buffer to the other and end up in their order.
 */
export function transform(plan: Plan, from: usize, other: usize, inverse: bool): usize {
  const re: usize = inverse ? 16 : 0;
  const im: usize = 16 - re;
  let turns = plan.turns;
  let roots = plan.roots;
  let left = plan.length;
  let apart = 1;
  for (let stage = 0; stage < plan.stages; stage++) {
    const radix = load<i32>(plan.radices + (stage << 2));
    const parts = left / radix;
    if (radix === 4) byFour(from, other, parts, apart, turns, re, im);
    else if (radix === 2) byTwo(from, other, parts, apart, turns, re, im);
    else byAny(from, other, radix, parts, apart, turns, roots, re, im);
    turns += (<usize>(parts * (radix - 1))) << 3;
    roots += (<usize>radix) << 3;
    apart *= radix;
    left = parts;
    const result = other;
    other = from;
    from = result;
  }
  return from;
}

/** One stage: `parts` butterflies with turns of their own, each for `apart` neighbouring points. */
function byFour(from: usize, to: usize, parts: i32, apart: i32, turns: usize, re: usize, im: usize): void {
  const row = (<usize>apart) << 5;
  const quarter = <usize>parts * row;
  for (let p = 0; p < parts; p++) {
    const c1 = v128.load32_splat(turns);
    const s1 = v128.load32_splat(turns, 4);
    const c2 = v128.load32_splat(turns, 8);
    const s2 = v128.load32_splat(turns, 12);
    const c3 = v128.load32_splat(turns, 16);
    const s3 = v128.load32_splat(turns, 20);
    turns += 24;
    const end = from + row;
    for (; from < end; from += 32) {
      const x1 = from + quarter;
      const x2 = x1 + quarter;
      const x3 = x2 + quarter;
      const aRe = f32x4.add(v128.load(from + re), v128.load(x2 + re));
      const aIm = f32x4.add(v128.load(from + im), v128.load(x2 + im));
      const bRe = f32x4.sub(v128.load(from + re), v128.load(x2 + re));
      const bIm = f32x4.sub(v128.load(from + im), v128.load(x2 + im));
      const cRe = f32x4.add(v128.load(x1 + re), v128.load(x3 + re));
      const cIm = f32x4.add(v128.load(x1 + im), v128.load(x3 + im));
      // i times the difference, so that the turn by a quarter is an addition.
      const dRe = f32x4.sub(v128.load(x3 + im), v128.load(x1 + im));
      const dIm = f32x4.sub(v128.load(x1 + re), v128.load(x3 + re));
      const y1 = to + row;
      const y2 = y1 + row;
      const y3 = y2 + row;
      v128.store(to + re, f32x4.add(aRe, cRe));
      v128.store(to + im, f32x4.add(aIm, cIm));
      turn(f32x4.sub(bRe, dRe), f32x4.sub(bIm, dIm), c1, s1, y1, re, im);
      turn(f32x4.sub(aRe, cRe), f32x4.sub(aIm, cIm), c2, s2, y2, re, im);
      turn(f32x4.add(bRe, dRe), f32x4.add(bIm, dIm), c3, s3, y3, re, im);
      to += 32;
    }
    to += 3 * row;
  }
}

function byTwo(from: usize, to: usize, parts: i32, apart: i32, turns: usize, re: usize, im: usize): void {
  const row = (<usize>apart) << 5;
  const half = <usize>parts * row;
  for (let p = 0; p < parts; p++) {
    const c = v128.load32_splat(turns);
    const s = v128.load32_splat(turns, 4);
    turns += 8;
    const end = from + row;
    for (; from < end; from += 32) {
      const aRe = v128.load(from + re);
      const aIm = v128.load(from + im);
      const bRe = v128.load(from + half + re);
      const bIm = v128.load(from + half + im);
      v128.store(to + re, f32x4.add(aRe, bRe));
      v128.store(to + im, f32x4.add(aIm, bIm));
      turn(f32x4.sub(aRe, bRe), f32x4.sub(aIm, bIm), c, s, to + row, re, im);
      to += 32;
    }
    to += row;
  }
}

/** Any radix by its sums: r² products. */
function byAny(
  from: usize,
  to: usize,
  radix: i32,
  parts: i32,
  apart: i32,
  turns: usize,
  roots: usize,
  re: usize,
  im: usize,
): void {
  const row = (<usize>apart) << 5;
  const part = <usize>parts * row;
  for (let p = 0; p < parts; p++) {
    for (let j = 0; j < radix; j++) {
      let c = f32x4.splat(1);
      let s = f32x4.splat(0);
      if (j) {
        c = v128.load32_splat(turns);
        s = v128.load32_splat(turns, 4);
        turns += 8;
      }
      for (let at: usize = 0; at < row; at += 32) {
        let x = from + at;
        let sumRe = v128.load(x + re);
        let sumIm = v128.load(x + im);
        let place = 0;
        for (let k = 1; k < radix; k++) {
          x += part;
          place += j;
          if (place >= radix) place -= radix;
          const rootRe = v128.load32_splat(roots + (place << 3));
          const rootIm = v128.load32_splat(roots + (place << 3), 4);
          const xRe = v128.load(x + re);
          const xIm = v128.load(x + im);
          sumRe = f32x4.sub(madd(rootRe, xRe, sumRe), f32x4.mul(rootIm, xIm));
          sumIm = madd(rootIm, xRe, madd(rootRe, xIm, sumIm));
        }
        turn(sumRe, sumIm, c, s, to + at, re, im);
      }
      to += row;
    }
    from += row;
  }
}

/** Stores (a + ib)(c + is). */
@inline
function turn(a: v128, b: v128, c: v128, s: v128, to: usize, re: usize, im: usize): void {
  v128.store(to + re, f32x4.sub(f32x4.mul(a, c), f32x4.mul(b, s)));
  v128.store(to + im, madd(a, s, f32x4.mul(b, c)));
}
