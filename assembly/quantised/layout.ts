/**
 * Quantised weights as the kernels read them: four rows side by side, in blocks of 32 columns. A block holds, for
 * j = 0, 1, …, word j (4 bytes) of the first row's numbers, then of the second's, third's and fourth's; after them, where
 * a block has scales of its own, those of the four rows as IEEE halves. The same bytes as in a file of GGUF, in another
 * order; what is missing of four rows or 32 columns is 0.
 */

/** `src/wasm/quantise.ts` names them in the same order. */
export const enum Format {
  /** A byte a number, one scale a row, which stands elsewhere. */
  int8,
  /** A scale, then 32 bytes. */
  q8,
  /** A scale, then 16 bytes; byte i holds number i + 8 below and number i + 16 + 8 above. */
  q4,
}

/** Bytes of the numbers of a block of four rows. */
@inline
export function numberBytes(format: i32): usize {
  return format === Format.q4 ? 64 : 128;
}

@inline
export function blockBytes(format: i32): usize {
  return numberBytes(format) + (format === Format.int8 ? 0 : 8);
}

/** Blocks of 32 columns. */
@inline
export function blocksOf(depth: i32): i32 {
  return (depth + 31) >> 5;
}

/** Bytes that {@link pack} writes. */
export function packedBytes(format: i32, rows: i32, depth: i32): usize {
  return <usize>((rows + 3) >> 2) * blocksOf(depth) * blockBytes(format);
}

/** Brings rows of numbers, or of blocks as in a file, into the order above. */
export function pack(format: i32, source: usize, rows: i32, depth: i32, target: usize): void {
  const all = packedBytes(format, rows, depth);
  memory.fill(target, 0, all);
  const blocks = blocksOf(depth);
  const scale: usize = format === Format.int8 ? 0 : 2;
  const numbers = numberBytes(format) >> 2;
  const step = numbers + scale;
  const stride = format === Format.int8 ? <usize>depth : <usize>blocks * step;
  for (let row = 0; row < rows; row++) {
    const lane = (<usize>row & 3) << 2;
    let to = target + <usize>(row >> 2) * blocks * blockBytes(format);
    let from = source + <usize>row * stride;
    const end = from + stride;
    for (let block = 0; block < blocks; block++) {
      const last = min(from + step, end);
      for (let i: usize = 0; from + scale + i < last; i++)
        store<u8>(to + lane + ((i & ~3) << 2) + (i & 3), load<u8>(from + scale + i));
      if (scale) store<u16>(to + (numbers << 2) + (lane >> 1), load<u16>(from));
      from += step;
      to += blockBytes(format);
    }
  }
}

/**
 * The scales of a block's four rows. The exponent of a half, moved to that of a float, is 112 short, which a product with
 * 2^112 mends, denormals too. None is infinite or NaN.
 */
@inline
export function scalesAt(address: usize): v128 {
  const bits = v128.and(i32x4.shl(v128.load16x4_s(address), 13), i32x4.splat(0x8fffe000));
  return f32x4.mul(bits, f32x4.splat(5.192296858534828e33));
}
