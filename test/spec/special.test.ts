import { readFileSync } from "node:fs";
import fastCheck from "fast-check";
import { describe, expect, test } from "vitest";
import * as special from "../../spec/page/special.ts";

const { elu, erf, erfc, erfInverse, gelu, geluTanh, logAddExp, logSigmoid } = special;
const { normalCdf, normalQuantile, relu, sigmoid, silu, softplus } = special;

interface ReferenceColumns {
  readonly arguments: readonly number[];
  readonly seconds?: readonly number[];
  readonly high: readonly number[];
  readonly low: readonly number[];
}

type ScalarFunction = (x: number, y?: number) => number;

const referenceTable: Record<string, ReferenceColumns> = JSON.parse(
  readFileSync(new URL("./special.reference.json", import.meta.url), "utf8"),
);

const SMALLEST_NORMAL = 2 ** -1022;
const SMALLEST_SUBNORMAL = Number.MIN_VALUE;
const CORRECT_ROUNDING = 0.501;
const statedBounds: Record<string, readonly [evaluate: ScalarFunction, ulps: number]> = {
  elu: [(x) => elu(x), 0.72],
  erf: [erf, CORRECT_ROUNDING],
  erfInverse: [erfInverse, CORRECT_ROUNDING],
  erfc: [erfc, CORRECT_ROUNDING],
  gelu: [gelu, CORRECT_ROUNDING],
  geluTanh: [geluTanh, CORRECT_ROUNDING],
  logAddExp: [(a, b) => logAddExp(a, b!), CORRECT_ROUNDING],
  logSigmoid: [logSigmoid, CORRECT_ROUNDING],
  normalCdf: [normalCdf, CORRECT_ROUNDING],
  normalQuantile: [normalQuantile, CORRECT_ROUNDING],
  relu: [relu, 0],
  sigmoid: [sigmoid, CORRECT_ROUNDING],
  silu: [silu, CORRECT_ROUNDING],
  softplus: [softplus, CORRECT_ROUNDING],
};

const bits = new DataView(new ArrayBuffer(8));

function neighbourAbove(x: number): number {
  if (x === 0) return SMALLEST_SUBNORMAL;
  bits.setFloat64(0, x);
  bits.setBigInt64(0, bits.getBigInt64(0) + (x > 0 ? 1n : -1n));
  return bits.getFloat64(0);
}

function unitInLastPlace(x: number): number {
  const size = Math.abs(x);
  return neighbourAbove(size) - size;
}

/** The smallest neighbour of a double that lies `count` steps below it, then every neighbour up to `count` above. */
function neighbourhood(centre: number, count: number): number[] {
  let x = centre;
  for (let step = 0; step < count; step += 1) x = -neighbourAbove(-x);
  const points = [x];
  for (let step = 0; step < 2 * count; step += 1) {
    x = neighbourAbove(x);
    points.push(x);
  }
  return points;
}

function finite(min: number, max: number) {
  return fastCheck.double({ min, max, noNaN: true });
}

describe("reference values to 50 digits", () => {
  test("every function has a table and a stated bound", () => {
    expect(Object.keys(referenceTable).sort()).toEqual(Object.keys(statedBounds).sort());
    expect(Object.keys(statedBounds).sort()).toEqual(Object.keys(special).sort());
  });

  test.each(Object.entries(statedBounds))("%s stays within its bound", (name, [evaluate, ulps]) => {
    const columns = referenceTable[name]!;
    const absolute = name === "logAddExp" ? 2 ** -98 : 0;
    const misses: string[] = [];
    expect(columns.arguments.length).toBeGreaterThan(130);
    columns.arguments.forEach((x, index) => {
      const high = columns.high[index]!;
      const value = evaluate(x, columns.seconds?.[index]);
      const error = Math.abs(value - high - columns.low[index]!);
      const allowed = (Math.abs(high) < SMALLEST_NORMAL ? 1 : ulps) * unitInLastPlace(high);
      const outside = high === 0 && absolute === 0 ? value !== 0 : !(error <= allowed + absolute);
      if (outside) misses.push(`${name}(${x}, ${columns.seconds?.[index]}) = ${value}, expected ${high}`);
    });
    expect(misses).toEqual([]);
  });
});

describe("limits", () => {
  test.each(Object.entries(statedBounds))("%s maps NaN to NaN", (_, [evaluate]) => {
    expect(evaluate(Number.NaN, 1)).toBeNaN();
  });

  test.each<[string, ScalarFunction, number, number]>([
    ["erf", erf, -1, 1],
    ["erfc", erfc, 2, 0],
    ["normalCdf", normalCdf, 0, 1],
    ["sigmoid", sigmoid, 0, 1],
    ["softplus", softplus, 0, Number.POSITIVE_INFINITY],
    ["logSigmoid", logSigmoid, Number.NEGATIVE_INFINITY, -0],
    ["silu", silu, -0, Number.POSITIVE_INFINITY],
    ["gelu", gelu, -0, Number.POSITIVE_INFINITY],
    ["geluTanh", geluTanh, -0, Number.POSITIVE_INFINITY],
    ["relu", relu, 0, Number.POSITIVE_INFINITY],
    ["elu", (x) => elu(x), -1, Number.POSITIVE_INFINITY],
  ])("%s at both infinities", (_, evaluate, left, right) => {
    expect(evaluate(Number.NEGATIVE_INFINITY)).toBe(left);
    expect(evaluate(Number.POSITIVE_INFINITY)).toBe(right);
  });

  test("the inverses end at infinity and are NaN outside", () => {
    expect([erfInverse(-1), erfInverse(1)]).toEqual([Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]);
    expect([normalQuantile(0), normalQuantile(1)]).toEqual([Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]);
    for (const outside of [-1.5, neighbourAbove(1), Number.POSITIVE_INFINITY]) expect(erfInverse(outside)).toBeNaN();
    for (const outside of [-SMALLEST_SUBNORMAL, neighbourAbove(1)]) expect(normalQuantile(outside)).toBeNaN();
  });

  test("minus infinity is neutral in logAddExp", () => {
    const empty = Number.NEGATIVE_INFINITY;
    for (const x of [0, 3.5, -1e300, empty, Number.POSITIVE_INFINITY]) {
      expect(logAddExp(x, empty)).toBe(x);
      expect(logAddExp(empty, x)).toBe(x);
    }
    expect(logAddExp(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY)).toBe(Number.POSITIVE_INFINITY);
    expect(logAddExp(Number.NaN, empty)).toBeNaN();
    expect(logAddExp(empty, Number.NaN)).toBeNaN();
  });

  test("erfc and normalCdf reach zero only where the true value does", () => {
    expect(erfc(27.226)).toBeGreaterThan(0);
    expect(erfc(27.227)).toBe(0);
    expect(normalCdf(-38.467)).toBeGreaterThan(0);
    expect(normalCdf(-38.49)).toBe(0);
  });

  test("elu scales its negative side by alpha", () => {
    expect(elu(Number.NEGATIVE_INFINITY, 2.5)).toBe(-2.5);
    expect(elu(-1, 2)).toBe(2 * elu(-1));
    expect(elu(4, 0.1)).toBe(4);
  });
});

describe("relations", () => {
  const nearOne = (value: number) => Math.abs(value - 1) <= 2 ** -52;

  test("erf is odd", () => {
    fastCheck.assert(fastCheck.property(finite(-30, 30), (x) => Object.is(erf(-x), -erf(x))));
  });

  test("erf and erfc sum to one", () => {
    fastCheck.assert(fastCheck.property(finite(-30, 30), (x) => nearOne(erf(x) + erfc(x))));
  });

  test("sigmoid of opposite arguments sums to one", () => {
    fastCheck.assert(fastCheck.property(finite(-800, 800), (x) => nearOne(sigmoid(x) + sigmoid(-x))));
  });

  test("softplus of opposite arguments differs by the argument", () => {
    fastCheck.assert(
      fastCheck.property(finite(-800, 800), (x) => {
        const scale = Math.max(softplus(x), softplus(-x));
        return Math.abs(softplus(x) - softplus(-x) - x) <= 2 * unitInLastPlace(scale);
      }),
    );
  });

  test("logSigmoid mirrors softplus, and logAddExp commutes", () => {
    fastCheck.assert(
      fastCheck.property(finite(-800, 800), finite(-800, 800), (a, b) => {
        return logSigmoid(a) === -softplus(-a) && logAddExp(a, b) === logAddExp(b, a);
      }),
    );
  });

  test("silu and gelu of opposite arguments differ by the argument", () => {
    fastCheck.assert(
      fastCheck.property(finite(-30, 30), (x) => {
        return [silu, gelu, geluTanh].every(
          (gate) => Math.abs(gate(x) - gate(-x) - x) <= 2 * unitInLastPlace(Math.max(Math.abs(x), SMALLEST_NORMAL)),
        );
      }),
    );
  });

  test("normalQuantile undoes normalCdf as far as the rounding of the probability allows", () => {
    fastCheck.assert(
      fastCheck.property(finite(-37.5, 8), (x) => {
        const p = normalCdf(x);
        const density = Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI);
        return Math.abs(normalQuantile(p) - x) <= unitInLastPlace(p) / density + 2 * unitInLastPlace(x);
      }),
    );
  });

  test("erfInverse undoes erf as far as the rounding of the value allows", () => {
    fastCheck.assert(
      fastCheck.property(finite(-5.8, 5.8), (x) => {
        const slope = (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x);
        const y = erf(x);
        return Math.abs(erfInverse(y) - x) <= unitInLastPlace(y) / slope + 2 * unitInLastPlace(x);
      }),
    );
  });
});

describe("monotonicity between neighbouring doubles", () => {
  const switchPoints: [string, ScalarFunction, number[]][] = [
    ["erf", erf, [0, -0.5, 0.5, 2 ** -600, 5.9]],
    ["-erfc", (x) => -erfc(x), [0, -0.5, 0.5, 26.543, 27.226, 40]],
    ["erfInverse", erfInverse, [0, 0.5, -0.5, 2 ** -600, 1 - 2 ** -44]],
    ["normalCdf", normalCdf, [0, Math.SQRT1_2, -Math.SQRT1_2, -37.519, -38.48, 40, -40]],
    ["normalQuantile", normalQuantile, [0.25, 0.5, 0.75, 1e-300, SMALLEST_NORMAL, 1 - 2 ** -44]],
    ["sigmoid", sigmoid, [0, -708.397, -744, 36.7]],
    ["softplus", softplus, [0, -20, 20, -708.397, -744, 800, -800]],
    ["logSigmoid", logSigmoid, [0, -20, 20, 708.397, 744, 800, -800]],
    ["logAddExp", (x) => logAddExp(x, 0.25), [-19.75, 20.25, -Math.LN2, 0, 0.25]],
    ["silu", silu, [0, 40]],
    ["gelu", gelu, [0, Math.SQRT1_2, 40]],
    ["geluTanh", geluTanh, [0, 25]],
    ["-silu", (x) => -silu(x), [-20, -708.397, -715, -745, -800]],
    ["-gelu", (x) => -gelu(x), [-2, -37.6, -38.4, -40]],
    ["-geluTanh", (x) => -geluTanh(x), [-2, -21, -25]],
    ["elu", (x) => elu(x), [0, -1]],
  ];

  test.each(switchPoints)("%s does not decrease around its switch points", (_, evaluate, centres) => {
    const drops: string[] = [];
    for (const centre of centres) {
      const points = neighbourhood(centre, 250);
      const values = points.map((x) => evaluate(x));
      values.forEach((value, index) => {
        if (index > 0 && !(value >= values[index - 1]!)) drops.push(`near ${centre} at ${points[index]}`);
      });
    }
    expect(drops).toEqual([]);
  });

  test("erfc, normalCdf and sigmoid fall strictly along their tails", () => {
    for (let x = 1; x < 26.5; x += 0.01) expect(erfc(x + 0.01)).toBeLessThan(erfc(x));
    for (let x = 1; x < 38; x += 0.01) expect(normalCdf(-x - 0.01)).toBeLessThan(normalCdf(-x));
    for (let x = 1; x < 740; x += 0.25) expect(sigmoid(-x - 0.25)).toBeLessThan(sigmoid(-x));
  });
});
