/** Blocks of quantised values, as GGUF files hold them: what {@link ./encodings.ts} decodes, and two to encode. */
import { decodeFloat16, encodeFloat16 } from "../io/narrow-floats.ts";

const half = (bytes: Uint8Array, at: number): number => decodeFloat16(bytes[at]! | (bytes[at + 1]! << 8));

/** 32 values: a float16 scale, 32 signed bytes. */
export function q8_0(bytes: Uint8Array, target: Float32Array): void {
  for (let at = 0, to = 0; at < bytes.length; at += 34, to += 32) {
    const scale = half(bytes, at);
    for (let i = 0; i < 32; i++) target[to + i] = scale * ((bytes[at + 2 + i]! << 24) >> 24);
  }
}

/** 32 values: a float16 scale, 16 bytes whose low halves are the first 16 values, the high ones the others, each + 8. */
export function q4_0(bytes: Uint8Array, target: Float32Array): void {
  for (let at = 0, to = 0; at < bytes.length; at += 18, to += 32) {
    const scale = half(bytes, at);
    for (let i = 0; i < 16; i++) {
      const both = bytes[at + 2 + i]!;
      target[to + i] = scale * ((both & 15) - 8);
      target[to + 16 + i] = scale * ((both >> 4) - 8);
    }
  }
}

/**
 * 256 values in 8 groups of 32: float16 scales of the scales and of the minima, 12 bytes of eight 6-bit scales and
 * eight 6-bit minima, 128 bytes of 4-bit values, of which two groups share 32 bytes.
 */
export function q4K(bytes: Uint8Array, target: Float32Array): void {
  for (let at = 0, to = 0; at < bytes.length; at += 144, to += 256) {
    const [scaleOf, leastOf] = [half(bytes, at), half(bytes, at + 2)];
    for (let group = 0; group < 8; group++) {
      const [scale, least] = sixBits(bytes, at + 4, group);
      const [factor, offset] = [scaleOf * scale, leastOf * least];
      const from = at + 16 + 32 * (group >> 1);
      const shift = 4 * (group & 1);
      for (let i = 0; i < 32; i++) target[to + 32 * group + i] = factor * ((bytes[from + i]! >> shift) & 15) - offset;
    }
  }
}

/** The scale and minimum of a group: the first four in the low bits of their bytes, the others in what is left. */
function sixBits(bytes: Uint8Array, at: number, group: number): [number, number] {
  const byte = (i: number) => bytes[at + i]!;
  if (group < 4) return [byte(group) & 63, byte(group + 4) & 63];
  return [(byte(group + 4) & 15) | ((byte(group - 4) >> 6) << 4), (byte(group + 4) >> 4) | ((byte(group) >> 6) << 4)];
}

/**
 * 256 values in 16 groups of 16: 128 bytes of low halves, 64 of upper pairs of bits, 16 signed scales, a float16 scale of
 * these; each value − 32. In each half of the block the 128 values go through the bytes in four strides of 32.
 */
export function q6K(bytes: Uint8Array, target: Float32Array): void {
  for (let at = 0, to = 0; at < bytes.length; at += 210, to += 256) {
    const scaleOf = half(bytes, at + 208);
    for (let i = 0; i < 256; i++) {
      const [side, within] = [i >> 7, i & 127];
      const [stride, place] = [within >> 5, within & 31];
      const low = (bytes[at + 64 * side + 32 * (stride & 1) + place]! >> (4 * (stride >> 1))) & 15;
      const high = (bytes[at + 128 + 32 * side + place]! >> (2 * stride)) & 3;
      const scale = (bytes[at + 192 + (i >> 4)]! << 24) >> 24;
      target[to + i] = scaleOf * scale * ((low | (high << 4)) - 32);
    }
  }
}

const putHalf = (bytes: Uint8Array, at: number, value: number): number => {
  const bits = encodeFloat16(value);
  bytes[at] = bits & 255;
  bytes[at + 1] = bits >> 8;
  return decodeFloat16(bits);
};

/** The nearest whole number, halves upwards. */
const nearest = (x: number): number => Math.floor(x + 0.5);

/** Blocks of Q8_0, each value rounded to the nearest step of its block's largest / 127. */
export function toQ8_0(values: Float32Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array((values.length / 32) * 34);
  for (let from = 0, at = 0; from < values.length; from += 32, at += 34) {
    let top = 0;
    for (let i = from; i < from + 32; i++) {
      const size = Math.abs(values[i]!);
      if (size > top) top = size;
    }
    const scale = putHalf(bytes, at, top / 127);
    if (scale === 0) continue;
    for (let i = 0; i < 32; i++) {
      const steps = nearest(values[from + i]! / scale) | 0;
      bytes[at + 2 + i] = Math.min(127, Math.max(-127, steps));
    }
  }
  return bytes;
}

/** Blocks of Q4_0: the value of largest magnitude becomes −8 steps, whatever its sign, the others −8 to 7. */
export function toQ4_0(values: Float32Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array((values.length / 32) * 18);
  for (let from = 0, at = 0; from < values.length; from += 32, at += 18) {
    let top = 0;
    for (let i = from; i < from + 32; i++) if (Math.abs(values[i]!) > Math.abs(top)) top = values[i]!;
    const scale = putHalf(bytes, at, top / -8);
    if (scale === 0) bytes.fill(0x88, at + 2, at + 18);
    else
      for (let i = 0; i < 16; i++)
        bytes[at + 2 + i] = nibble(values[from + i]! / scale) | (nibble(values[from + 16 + i]! / scale) << 4);
  }
  return bytes;
}

/** The nearest of −8 to 7, plus 8. */
function nibble(steps: number): number {
  const code = (nearest(steps) | 0) + 8;
  return Math.min(15, Math.max(0, code));
}
