import { describe, expect, test } from "vitest";
import { encodeBfloat16, encodeFloat16 } from "../../src/io/dtypes.ts";
import { readNpy } from "../../src/io/npy.ts";
import { fixtureBytes, NARROW } from "./support.ts";

const scratch = new DataView(new ArrayBuffer(8));

function neighbour(positive: number, direction: 1n | -1n): number {
  scratch.setFloat64(0, positive);
  scratch.setBigInt64(0, scratch.getBigInt64(0) + direction);
  return scratch.getFloat64(0);
}

describe.each(NARROW)("$dtype", ({ decode, encode, mantissaBits, bias, infinity }) => {
  test("every code decodes to the value the format defines", () => {
    const wrong: number[] = [];
    for (let code = 0; code < 0x8000; code++) {
      const exponent = code >> mantissaBits;
      const mantissa = code % 2 ** mantissaBits;
      const normal = (2 ** mantissaBits + mantissa) * 2 ** (exponent - bias - mantissaBits);
      const subnormal = mantissa * 2 ** (1 - bias - mantissaBits);
      const special = code === infinity ? Number.POSITIVE_INFINITY : Number.NaN;
      const value = code >= infinity ? special : exponent === 0 ? subnormal : normal;
      if (!Object.is(decode(code), value) || !Object.is(decode(code | 0x8000), Number.isNaN(value) ? value : -value)) {
        wrong.push(code);
      }
    }
    expect(wrong).toEqual([]);
  });

  test("every code survives decoding and encoding, NaNs as the quiet NaN", () => {
    const quiet = infinity | (1 << (mantissaBits - 1));
    const wrong: number[] = [];
    for (let code = 0; code < 0x10000; code++) {
      const kept = (code & 0x7fff) > infinity ? quiet : code;
      if (encode(decode(code)) !== kept) wrong.push(code);
    }
    expect(wrong).toEqual([]);
  });

  test("midpoints round to even, and one float64 step beside them to the nearer neighbour", () => {
    const wrong: number[] = [];
    for (let below = 0; below < infinity; below++) {
      const above = below + 1;
      const upper = above === infinity ? 2 ** (bias + 1) : decode(above);
      const middle = (decode(below) + upper) / 2;
      const even = below % 2 === 0 ? below : above;
      const right =
        encode(middle) === even &&
        encode(neighbour(middle, 1n)) === above &&
        encode(neighbour(middle, -1n)) === below &&
        encode(-middle) === (even | 0x8000) &&
        encode(-neighbour(middle, 1n)) === (above | 0x8000) &&
        encode(-neighbour(middle, -1n)) === (below | 0x8000);
      if (!right) wrong.push(below);
    }
    expect(wrong).toEqual([]);
  });

  test("extreme float64 values become zero and infinity of their sign", () => {
    expect(encode(Number.MIN_VALUE)).toBe(0);
    expect(encode(-Number.MIN_VALUE)).toBe(0x8000);
    expect(encode(-0)).toBe(0x8000);
    expect(encode(Number.MAX_VALUE)).toBe(infinity);
    expect(encode(Number.NEGATIVE_INFINITY)).toBe(infinity | 0x8000);
  });
});

test("a value just past a midpoint is not rounded twice by way of float32", () => {
  const past16 = 1 + 2 ** -11 + 2 ** -40;
  expect(encodeFloat16(Math.fround(past16))).toBe(0x3c00);
  expect(encodeFloat16(past16)).toBe(0x3c01);
  expect(encodeBfloat16(1 + 2 ** -8 + 2 ** -40)).toBe(0x3f81);
});

test("float16 rounding agrees with numpy", () => {
  const wide = readNpy(fixtureBytes("numpy/rounding-f8.npy"));
  const narrow = readNpy(fixtureBytes("numpy/rounding-f2.npy"));
  expect([...wide.data].map(encodeFloat16)).toEqual([...narrow.data].map(encodeFloat16));
});
