/** The number formats kernels compute in, and how a page is evaluated in each. */
import { type Precision, rounded } from "../../spec/page.ts";
import { decodeBfloat16, decodeFloat16, encodeBfloat16, encodeFloat16 } from "../io/narrow-floats.ts";
import { random } from "./random.ts";

export type Dtype = "float32" | "float16" | "bfloat16";
export const dtypes: readonly Dtype[] = ["float32", "float16", "bfloat16"];

interface Format {
  /** Nearest value of the format, ties to even. */
  readonly round: (x: number) => number;
  /** Relative spacing: 2 to the minus (bits of the significand − 1). */
  readonly spacing: number;
  readonly largest: number;
  /** Smallest positive normal value. */
  readonly smallest: number;
}

export const formats: Readonly<Record<Dtype, Format>> = {
  float32: { round: Math.fround, spacing: 2 ** -23, largest: 3.4028234663852886e38, smallest: 2 ** -126 },
  float16: { round: (x) => decodeFloat16(encodeFloat16(x)), spacing: 2 ** -10, largest: 65504, smallest: 2 ** -14 },
  bfloat16: {
    round: (x) => decodeBfloat16(encodeBfloat16(x)),
    spacing: 2 ** -7,
    largest: 3.3895313892515355e38,
    smallest: 2 ** -126,
  },
};

/**
 * What is kept is rounded to the format; sums run in float32, as they do in the hardware that has these formats. Whole
 * numbers stay as they are: a table may hold indices.
 */
const nearest = (dtype: Dtype): Precision => ({ store: whole(formats[dtype].round), accumulate: Math.fround });
const whole = (round: (x: number) => number) => (x: number) =>
  Number.isInteger(x) && Math.abs(x) < 2 ** 24 ? x : round(x);

/**
 * Like {@link nearest}, but what is kept comes out one spacing higher or lower by chance, as another way to the same
 * value might leave it, and sums that must be rounded go to either neighbour.
 */
function perturbed(dtype: Dtype, seed: number): Precision {
  const { real } = random(seed);
  const { round, spacing } = formats[dtype];
  const step = (near: number, up: number, size: number) =>
    Number.isFinite(near) ? near + up * Math.abs(near) * size : near;
  return {
    store: whole((x) => round(step(round(x), Math.floor(real() * 3) - 1, spacing))),
    accumulate: (x) => {
      const near = Math.fround(x);
      return near === x || real() < 0.5 ? near : Math.fround(step(near, Math.sign(x - near), 0.75 * 2 ** -23));
    },
  };
}

/** Runs `f` several times as the format would: once rounding to nearest, then `times` more by chance. Always the same results. */
export const evaluations = <R>(dtype: Dtype, f: () => R, times = 3): R[] => [
  rounded(nearest(dtype), f),
  ...Array.from({ length: times }, (_, i) => rounded(perturbed(dtype, 977 * i + 1), f)),
];
