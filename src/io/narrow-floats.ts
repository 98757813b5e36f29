interface NarrowFormat {
  readonly mantissaBits: number;
  readonly smallestExponent: number;
  readonly largestExponent: number;
  readonly infinity: number;
  readonly notANumber: number;
}

const FLOAT16: NarrowFormat = {
  mantissaBits: 10,
  smallestExponent: -14,
  largestExponent: 15,
  infinity: 0x7c00,
  notANumber: 0x7e00,
};

const BFLOAT16: NarrowFormat = {
  mantissaBits: 7,
  smallestExponent: -126,
  largestExponent: 127,
  infinity: 0x7f80,
  notANumber: 0x7fc0,
};

const scratch = new DataView(new ArrayBuffer(8));
const SMALLEST_FLOAT16 = 2 ** -24;

/** The value of 16 bits of IEEE 754 binary16, exact in float64. */
export function decodeFloat16(bits: number): number {
  const exponent = (bits >> 10) & 0x1f;
  const mantissa = bits & 0x3ff;
  const sign = bits & 0x8000;
  if (exponent === 0) return (sign ? -1 : 1) * mantissa * SMALLEST_FLOAT16;
  const wideExponent = exponent === 0x1f ? 0xff : exponent + 112;
  scratch.setInt32(0, (sign << 16) | (wideExponent << 23) | (mantissa << 13));
  return scratch.getFloat32(0);
}

/** The value of 16 bits of bfloat16, exact in float64. */
export function decodeBfloat16(bits: number): number {
  scratch.setInt32(0, bits << 16);
  return scratch.getFloat32(0);
}

/**
 * The 16 bits of the IEEE 754 binary16 number nearest to a float64, ties to even, rounded once.
 *
 * Values of magnitude 65520 and more become infinity; every NaN becomes 0x7e00.
 */
export function encodeFloat16(value: number): number {
  return encodeNarrow(value, FLOAT16);
}

/**
 * The 16 bits of the bfloat16 number nearest to a float64, ties to even, rounded once.
 *
 * Values from halfway past the largest finite bfloat16 become infinity; every NaN becomes 0x7fc0.
 */
export function encodeBfloat16(value: number): number {
  return encodeNarrow(value, BFLOAT16);
}

function encodeNarrow(value: number, format: NarrowFormat): number {
  if (Number.isNaN(value)) return format.notANumber;
  scratch.setFloat64(0, value);
  const head = scratch.getUint32(0);
  const sign = (head >>> 31) << 15;
  const exponent = ((head >>> 20) & 0x7ff) - 1023;
  if (exponent > format.largestExponent) return sign | format.infinity;
  const level = Math.max(exponent, format.smallestExponent) - format.smallestExponent;
  const steps = Math.abs(value) / powerOfTwo(level + format.smallestExponent - format.mantissaBits);
  // A carry out of the mantissa lands in the exponent, up to infinity, because the codes are ordered like the values.
  return sign | ((level << format.mantissaBits) + roundHalfToEven(steps));
}

function powerOfTwo(exponent: number): number {
  scratch.setUint32(0, (exponent + 1023) << 20);
  scratch.setUint32(4, 0);
  return scratch.getFloat64(0);
}

function roundHalfToEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest < 0.5 || (rest === 0.5 && below % 2 === 0)) return below;
  return below + 1;
}
