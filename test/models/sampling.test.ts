import fc from "fast-check";
import { expect, test } from "vitest";
import { likeliest, logProbabilities, randomOf, Sampler, type SamplingOptions } from "../../src/models/sampling.ts";

const logits = Float32Array.of(1, 3, 2, 3, -1, 0);
const draws = (options: SamplingOptions, count = 4000, prompt: number[] = []) => {
  const shares = new Array<number>(logits.length).fill(0);
  const sampler = new Sampler({ seed: 1, temperature: 1, ...options }, prompt);
  for (let i = 0; i < count; i++) shares[sampler.choose(logits)]! += 1 / count;
  return shares;
};
const softmax = (scores: readonly number[]) => {
  const powers = scores.map(Math.exp);
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
};
/** Five standard deviations of a share of `count` draws. */
const spread = (share: number, count = 4000) => 5 * Math.sqrt((share * (1 - share)) / count) + 1e-12;
const expectShares = (actual: readonly number[], wanted: readonly number[]) =>
  wanted.forEach((share, token) => {
    expect(Math.abs(actual[token]! - share), `token ${token}`).toBeLessThanOrEqual(spread(share));
  });

test("temperature 0, the default, takes the best token, the lower one of two", () => {
  expect(new Sampler({}, []).choose(logits)).toBe(1);
  expect(draws({ temperature: 0 }, 5)[1]).toBeCloseTo(1);
});
test("tokens come as often as the softmax says, at any temperature", () => {
  expectShares(draws({}), softmax([...logits]));
  expectShares(draws({ temperature: 2 }), softmax([...logits].map((logit) => logit / 2)));
});
test("top-k leaves the k best", () => {
  expectShares(draws({ topK: 3 }), softmax([-Infinity, 3, 2, 3, -Infinity, -Infinity]));
  expect(draws({ topK: 1 }, 9)[1]).toBeCloseTo(1);
});
test("top-p leaves the fewest that reach p", () => {
  const all = softmax([...logits]);
  expectShares(draws({ topP: 2 * all[1]! - 1e-6 }), softmax([-Infinity, 3, -Infinity, 3, -Infinity, -Infinity]));
  expectShares(draws({ topP: 2 * all[1]! + 1e-6 }), softmax([-Infinity, 3, 2, 3, -Infinity, -Infinity]));
});
test("min-p leaves those near the best", () => {
  expectShares(draws({ minP: Math.exp(-1.5) }), softmax([-Infinity, 3, 2, 3, -Infinity, -Infinity]));
});
test("the repetition penalty divides positive logits and multiplies negative ones", () => {
  const penalised = new Sampler({ repetitionPenalty: 2 }, [1, 3, 4]);
  expect(penalised.choose(logits)).toBe(2);
  expect(penalised.choose(logits)).toBe(1);
  expect(penalised.choose(Float32Array.of(-9, -1, -9, -9, -0.6, -0.7))).toBe(5);
});

/** What a sampler is to choose, by the definition: all tokens sorted, cut three times, one drawn by its weight. */
function plain(scores: Float32Array, options: Readonly<Record<"temperature" | "topK" | "topP" | "minP", number>>) {
  const { temperature, topK, topP, minP } = options;
  const order = [...scores.keys()].sort((a, b) => scores[b]! - scores[a]! || a - b);
  const power = (token: number) => Math.exp((scores[token]! - scores[order[0]!]!) / temperature);
  const cuts = topK < scores.length || topP < 1 || minP > 0;
  const best = cuts ? order.slice(0, topK) : [...scores.keys()];
  const all = best.reduce((sum, token) => sum + power(token), 0);
  let before = 0;
  const left = best.filter((token) => {
    const stays = (topP === 1 || before < topP * all) && power(token) >= minP;
    before += power(token);
    return stays;
  });
  const total = left.reduce((sum, token) => sum + power(token), 0);
  return (random: number) => {
    let rest = random * total;
    const drawn = left.find((token) => {
      rest -= power(token);
      return rest < 0;
    });
    return drawn ?? left.at(-1)!;
  };
}
/** Logits of a large vocabulary: spread or close together, with and without ties, some impossible. */
const manyLogits = fc
  .record({
    seed: fc.integer({ min: 1, max: 1e6 }),
    count: fc.constantFrom(300, 2000, 5000),
    spread: fc.constantFrom(0.01, 1, 3, 30),
    step: fc.constantFrom(0, 0.5),
    impossible: fc.boolean(),
  })
  .map(({ seed, count, spread, step, impossible }) => {
    const random = randomOf(seed);
    return Float32Array.from({ length: count }, (_, i) => {
      const logit = spread * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
      if (impossible && i % 7 === 3) return -Infinity;
      return step ? Math.round(logit / step) * step : logit;
    });
  });
test("of a large vocabulary the same tokens are chosen as by sorting all of it", () => {
  fc.assert(
    fc.property(
      manyLogits,
      fc.integer({ min: 0, max: 1e6 }),
      fc.record({
        topK: fc.constantFrom(Infinity, 1, 40, 256, 257, 1000),
        topP: fc.constantFrom(1, 1e-9, 0.3, 0.9, 0.999),
        minP: fc.constantFrom(0, 1e-4, 0.05, 0.5, 1),
        temperature: fc.constantFrom(0.01, 0.3, 1, 4, 1e9),
      }),
      (many, seed, options) => {
        const sampler = new Sampler({ ...options, seed }, []);
        const [wanted, random] = [plain(many, options), randomOf(seed)];
        for (let i = 0; i < 30; i++) expect(sampler.choose(many)).toBe(wanted(random()));
      },
    ),
    { numRuns: 300 },
  );
});
test("scores that are no numbers still give a token, which the caller finds", () => {
  for (const value of [Number.NaN, Infinity, -Infinity]) {
    const broken = new Float32Array(600).fill(value);
    for (const options of [{}, { topP: 0.9 }, { minP: 0.1 }, { topK: 300 }, { topK: 3 }])
      expect(broken[new Sampler({ temperature: 1, seed: 1, ...options }, []).choose(broken)]).toBe(value);
  }
});
test("the same seed gives the same choices, another one others", () => {
  const some = (seed: number) => {
    const sampler = new Sampler({ seed, temperature: 3 }, []);
    return Array.from({ length: 20 }, () => sampler.choose(logits)).join();
  };
  expect(some(5)).toBe(some(5));
  expect(some(5)).not.toBe(some(6));
});
test("logarithms of probabilities, also of logits that overflow exp", () => {
  const far = Float32Array.of(1000, 1001, 0);
  expect(logProbabilities(far, [1, 0])).toEqual([-Math.log(1 + Math.exp(-1)), -1 - Math.log(1 + Math.exp(-1))]);
  expect(likeliest(logits, 3).map(({ token }) => token)).toEqual([1, 3, 2]);
});
test("options out of range are refused by name", () => {
  for (const [options, message] of [
    [{ temperature: -1 }, "temperature: must be a number ≥ 0, got -1"],
    [{ topK: 0 }, "topK: must be a whole number ≥ 1 or Infinity, got 0"],
    [{ topP: 0 }, "topP: must be above 0 and at most 1, got 0"],
    [{ minP: 2 }, "minP: must be from 0 to 1, got 2"],
    [{ repetitionPenalty: Number.NaN }, "repetitionPenalty: must be above 0, got NaN"],
    [{ seed: 0.5 }, "seed: must be a whole number, got 0.5"],
  ] as const)
    expect(() => new Sampler(options, [])).toThrow(message);
});
