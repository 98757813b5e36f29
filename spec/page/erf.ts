import type { Pair, ScaledPair } from "./pair.ts";
import { add, divide, exponential, multiply, negate, polynomial, productOf, round, unscale } from "./pair.ts";

const SCALED_HIGH = [
  1.2530080582697296, -0.1356211061245812, -0.04756229435345119, 0.12964515870276264, -0.11927366341527376,
  0.0683080273439225, -0.023770514919673552, 0.0025293918167165323, 0.0018886903739430744, -0.0007798322755151002,
  -0.00010515991938686551, 0.0001250993563054425, 4.950085512112988e-6, -2.0100520230052756e-5, -7.334938414398711e-7,
  3.4721166577161e-6, 3.612847252726082e-7, -6.157716782009912e-7, -1.4845852364875843e-7, 1.0030138394357128e-7,
  4.9064695589348453e-8, -1.1542940928961043e-8, -1.3657788523593429e-8, -2.754717032064746e-10, 3.2296583010777932e-9,
  5.08859007616139e-10, -6.113724342409908e-10, -8.827035152210394e-11, 6.86397456638346e-11,
];
const SCALED_LOW = [
  4.52776129698661e-17, 4.777908251879783e-18, -1.1219043926078942e-18, 4.4802707371116375e-18, -6.586118060895256e-18,
  1.3412828654138526e-18, -5.1403453634666553e-20, 4.9925788897595886e-20, -1.8117661276879436e-20,
  -1.500494616586232e-20, -6.5057762931526566e-21, 2.6666298054816638e-21,
];
const TWO_OVER_ROOT_PI: Pair = [1.1283791670955126, 1.533545961316588e-17];
const ROOT_HALF: Pair = [Math.SQRT1_2, -4.833646656726457e-17];
const SERIES_LIMIT = 0.5;
/** Below this size erf and its inverse are linear, and products of pairs would lose their low parts. */
export const VANISHING = 2 ** -600;
/** An exact factor that lifts a vanishing argument out of that range. */
export const LINEAR_SCALE = 2 ** 500;

const seriesTerms = Array.from({ length: 18 }, (_, k) => {
  let denominator = k % 2 === 0 ? 1 : -1;
  for (let factor = 2; factor <= k; factor += 1) denominator *= factor;
  return multiply(TWO_OVER_ROOT_PI, divide([1, 0], productOf(denominator, 2 * k + 1)));
});
const seriesHigh = seriesTerms.map(([high]) => high);
const seriesLow = seriesTerms.slice(0, 11).map(([, low]) => low);

/** $\operatorname{erf}(x)$ for $|x| < 1/2$, to about 100 bits. */
export function centralErf(x: Pair): Pair {
  return multiply(x, polynomial(seriesHigh, seriesLow, multiply(x, x)));
}

/** $e^{x^2} \operatorname{erfc}(x)$ for $x \ge 0.45$, to about 70 bits. */
export function scaledErfc(x: Pair): Pair {
  const t = divide(add(x, [-3, 0]), add(x, [3, 0]));
  return divide(polynomial(SCALED_HIGH, SCALED_LOW, t), add([1, 0], [2 * x[0], 2 * x[1]]));
}

/** $\operatorname{erfc}(x)$ for $x \ge 1/2$. */
function tailErfc(x: Pair): ScaledPair {
  if (x[0] > 40) return { pair: [0, 0], exponent: 0 };
  const gaussian = exponential(negate(multiply(x, x)));
  return { pair: multiply(gaussian.pair, scaledErfc(x)), exponent: gaussian.exponent };
}

/**
 * $\operatorname{erf}(x) = \frac{2}{\sqrt\pi} \int_0^x e^{-t^2}\,dt$ for every real $x$, in $[-1, 1]$.
 *
 * Measured error: 0.501 ulp. Source: the Maclaurin series for $|x| < 1/2$, else $1 - \operatorname{erfc}|x|$.
 */
export function erf(x: number): number {
  if (Number.isNaN(x)) return x;
  const size = Math.abs(x);
  if (size < VANISHING) return erfOfVanishing(x);
  if (size < SERIES_LIMIT) return round({ pair: centralErf([x, 0]), exponent: 0 });
  return Math.sign(x) * round({ pair: add([1, 0], negate(unscale(tailErfc([size, 0])))), exponent: 0 });
}

function erfOfVanishing(x: number): number {
  return x === 0 ? x : erf(x * LINEAR_SCALE) / LINEAR_SCALE;
}

/**
 * $\operatorname{erfc}(x) = 1 - \operatorname{erf}(x)$ for every real $x$, in $[0, 2]$; subnormal past $x = 26.543$ and
 * zero past $27.226$.
 *
 * Measured error: 0.501 ulp. Source: for $x \ge 1/2$, $e^{-x^2} f(t) / (1 + 2x)$ with $t = (x - 3) / (x + 3)$ and $f$ a
 * polynomial fitted at Chebyshev nodes, the form of Shepherd and Laframboise, Math. Comp. 36 (1981) 249-253.
 */
export function erfc(x: number): number {
  if (Number.isNaN(x)) return x;
  return round(erfcOf([x, 0]));
}

function erfcOf(x: Pair): ScaledPair {
  if (x[0] >= SERIES_LIMIT) return tailErfc(x);
  if (x[0] > -SERIES_LIMIT) return { pair: add([1, 0], negate(centralErf(x))), exponent: 0 };
  return { pair: add([2, 0], negate(unscale(tailErfc(negate(x))))), exponent: 0 };
}

/** $\Phi(x)$ with the bits that a double loses below the normal range. */
export function normalCdfPair(x: number): ScaledPair {
  if (Math.abs(x) > 40) return { pair: [x > 0 ? 1 : 0, 0], exponent: 0 };
  const { pair, exponent } = erfcOf(multiply([-x, 0], ROOT_HALF));
  return { pair, exponent: exponent - 1 };
}

/**
 * $\Phi(x) = \tfrac12 \operatorname{erfc}(-x / \sqrt 2)$, the standard normal distribution function, for every real $x$,
 * in $[0, 1]$; subnormal below $x = -37.519$ and zero below $-38.485$.
 *
 * Measured error: 0.501 ulp. Source: erfc of the unrounded $x / \sqrt 2$.
 */
export function normalCdf(x: number): number {
  return Number.isNaN(x) ? x : round(normalCdfPair(x));
}
