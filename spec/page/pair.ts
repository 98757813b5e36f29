/** An unevaluated sum `high + low` of two doubles with `|low| <= ulp(high) / 2`, good for about 104 bits. */
export type Pair = readonly [high: number, low: number];

/** A pair times a power of two, `(high + low) 2^exponent`, which keeps all its bits below the smallest normal double. */
export interface ScaledPair {
  readonly pair: Pair;
  readonly exponent: number;
}

const SPLITTER = 2 ** 27 + 1;
const SMALLEST_EXPONENT = 1074;

const halvings = new Float64Array(SMALLEST_EXPONENT + 1);
for (let index = 0, power = 1; index <= SMALLEST_EXPONENT; index += 1, power /= 2) halvings[index] = power;

/** $a + b$ without error (Knuth's TwoSum). */
export function sumOf(a: number, b: number): Pair {
  const high = a + b;
  const shadow = high - a;
  return [high, a - (high - shadow) + (b - shadow)];
}

/** $a \cdot b$ without error for $|a|, |b| < 2^{996}$ and a product above $2^{-968}$ (Dekker's product). */
export function productOf(a: number, b: number): Pair {
  const high = a * b;
  const spreadA = SPLITTER * a;
  const spreadB = SPLITTER * b;
  const upperA = spreadA - (spreadA - a);
  const upperB = spreadB - (spreadB - b);
  const lowerA = a - upperA;
  const lowerB = b - upperB;
  return [high, lowerA * lowerB - (high - upperA * upperB - lowerA * upperB - upperA * lowerB)];
}

function normalize(high: number, low: number): Pair {
  const sum = high + low;
  return [sum, low - (sum - high)];
}

/** $x + y$ to about 104 bits of the larger operand. */
export function add(x: Pair, y: Pair): Pair {
  const [high, error] = sumOf(x[0], y[0]);
  const [middle, rest] = sumOf(x[1], y[1]);
  const [top, bottom] = normalize(high, error + middle);
  return normalize(top, bottom + rest);
}

/** $x y$ to about 102 bits. */
export function multiply(x: Pair, y: Pair): Pair {
  const [high, error] = productOf(x[0], y[0]);
  return normalize(high, error + (x[0] * y[1] + x[1] * y[0]));
}

/** $x / y$ to about 100 bits. */
export function divide(x: Pair, y: Pair): Pair {
  const first = x[0] / y[0];
  const rest = add(x, negate(multiply([first, 0], y)));
  return normalize(first, (rest[0] + rest[1]) / y[0]);
}

/** $-x$, exact. */
export function negate(x: Pair): Pair {
  return [-x[0], -x[1]];
}

/**
 * $\sum_k (h_k + l_k) t^k$ by Horner's rule. The coefficients past the last `low` entry are evaluated in plain doubles,
 * so they must be small enough that their rounding does not matter.
 */
export function polynomial(high: readonly number[], low: readonly number[], t: Pair): Pair {
  let tail = 0;
  for (let index = high.length - 1; index >= low.length; index -= 1) tail = tail * t[0] + high[index]!;
  let total: Pair = [tail, 0];
  for (let index = low.length - 1; index >= 0; index -= 1) {
    total = add(multiply(total, t), [high[index]!, low[index]!]);
  }
  return total;
}

/** $x 2^{n}$ for any integer $n$, rounded once even where the result is subnormal. */
export function scale(x: number, exponent: number): number {
  if (exponent >= 0) return x / halvings[Math.min(exponent, SMALLEST_EXPONENT)]!;
  if (exponent >= -1000) return x * halvings[-exponent]!;
  return x * halvings[1000]! * halvings[Math.min(-exponent - 1000, SMALLEST_EXPONENT)]!;
}

/** The double nearest to a scaled pair. */
export function round({ pair, exponent }: ScaledPair): number {
  return scale(pair[0] + pair[1], exponent);
}

/** A scaled pair as a plain pair; exact while both parts stay normal. */
export function unscale({ pair, exponent }: ScaledPair): Pair {
  return [scale(pair[0], exponent), scale(pair[1], exponent)];
}

const LOG_TWO_PARTS = [0.693147180559663, 2.8235290563014906e-13, 1.667085920830552e-25] as const;
const factorials = Array.from({ length: 23 }, (_, k) => {
  let product = 1;
  for (let factor = 2; factor <= k; factor += 1) product *= factor;
  return product;
});
const inverseFactorials = factorials.map((factorial) => divide([1, 0], [factorial, 0]));
const exponentialHigh = inverseFactorials.map(([high]) => high);
const exponentialLow = inverseFactorials.slice(0, 12).map(([, low]) => low);

/**
 * $e^{x}$ for $x \le 700$ with a relative error below $2^{-95}$: $x = n \ln 2 + r$, $|r| \le 0.35$, and the Taylor sum of
 * $e^r$ to degree 22. Zero below $-1200$.
 */
export function exponential(x: Pair): ScaledPair {
  if (x[0] < -1200) return { pair: [0, 0], exponent: 0 };
  const exponent = Math.round(x[0] / Math.LN2);
  let rest = add(x, [-exponent * LOG_TWO_PARTS[0], 0]);
  rest = add(rest, [-exponent * LOG_TWO_PARTS[1], 0]);
  rest = add(rest, [-exponent * LOG_TWO_PARTS[2], 0]);
  return { pair: polynomial(exponentialHigh, exponentialLow, rest), exponent };
}
