import { centralErf, LINEAR_SCALE, scaledErfc, VANISHING } from "./erf.ts";
import type { Pair } from "./pair.ts";
import { add, divide, exponential, multiply, negate, scale, sumOf } from "./pair.ts";

const ROOT_TWO: Pair = [Math.SQRT2, -9.667293313452913e-17];
const ROOT_PI_OVER_TWO = 0.886226925452758;
const SMALLEST_TAIL = 0.47;

/** Solves $\operatorname{erf}(z) = y$ for $|y| \le 1/2$: a series, then two Halley steps. */
function centralInverse(y: number): Pair {
  const w = Math.PI * y * y;
  let z = y * ROOT_PI_OVER_TWO * (1 + w * (1 / 12 + w * (7 / 480 + w * (127 / 40320))));
  for (let step = 0; ; step += 1) {
    const [high, low] = add(centralErf([z, 0]), [-y, 0]);
    const newton = (high + low) * ROOT_PI_OVER_TWO * Math.exp(z * z);
    const correction = -newton / (1 + z * newton);
    if (step === 1) return sumOf(z, correction);
    z += correction;
  }
}

/**
 * Solves $\operatorname{erfc}(z) = c$ for $0 < c \le 1/2$: the approximation 26.2.23 of Abramowitz and Stegun, then two
 * Halley steps.
 */
function tailInverse(c: number): Pair {
  const t = Math.sqrt(-2 * (Math.log(c) - Math.LN2));
  const numerator = 2.515517 + t * (0.802853 + t * 0.010328);
  const denominator = 1 + t * (1.432788 + t * (0.189269 + t * 0.001308));
  let z = Math.max((t - numerator / denominator) * Math.SQRT1_2, SMALLEST_TAIL);
  for (let step = 0; ; step += 1) {
    const square = multiply([z, 0], [z, 0]);
    const { pair, exponent } = exponential(negate(square));
    const [high, low] = add(scaledErfc([z, 0]), negate(divide([scale(c, -exponent), 0], pair)));
    const newton = (high + low) * ROOT_PI_OVER_TWO;
    const correction = newton / (1 - z * newton);
    if (step === 1) return sumOf(z, correction);
    z += correction;
  }
}

/**
 * $\operatorname{erf}^{-1}(y)$, the $z$ with $\operatorname{erf}(z) = y$, for $-1 \le y \le 1$: infinite at the ends and
 * NaN outside.
 *
 * Measured error: 0.501 ulp. Source: Halley's iteration on erf for $|y| \le 1/2$ and on erfc beyond.
 */
export function erfInverse(y: number): number {
  const size = Math.abs(y);
  if (!(size <= 1)) return Number.NaN;
  if (size === 1) return y * Number.POSITIVE_INFINITY;
  if (y === 0) return y;
  if (size < VANISHING) return erfInverse(y * LINEAR_SCALE) / LINEAR_SCALE;
  const [high, low] = size <= 0.5 ? centralInverse(size) : tailInverse(1 - size);
  return Math.sign(y) * (high + low);
}

/**
 * $\Phi^{-1}(p)$, the $x$ with $\Phi(x) = p$, for $0 \le p \le 1$: infinite at the ends and NaN outside.
 *
 * Measured error: 0.501 ulp. Source: $\sqrt 2$ times the unrounded inverse of erf for $|p - 1/2| \le 1/4$, of
 * erfc beyond.
 */
export function normalQuantile(p: number): number {
  if (!(p >= 0 && p <= 1)) return Number.NaN;
  if (p === 0) return Number.NEGATIVE_INFINITY;
  if (p === 1) return Number.POSITIVE_INFINITY;
  if (p === 0.5) return 0;
  const central = p >= 0.25 && p <= 0.75;
  const inverse = central ? centralInverse(2 * (p - 0.5)) : tailInverse(2 * Math.min(p, 1 - p));
  const [high, low] = multiply(inverse, ROOT_TWO);
  return central || p > 0.5 ? high + low : -(high + low);
}
