/** Every architecture against transformers, on tiny models with random weights: layer by layer, and 64 tokens long. */
import { describe, expect, test } from "vitest";
import { planOf } from "../../src/models/architectures.ts";
import { rotaryOf } from "../../src/models/rotary.ts";
import { architectures, Config, type Model } from "../../src/models.ts";
import { apart, bytesOf, expected, names, open } from "./fixtures.ts";

const best = (logits: Float32Array): number => logits.reduce((top, value, i) => (value > logits[top]! ? i : top), 0);

test("there is a fixture for every architecture", () => {
  const types = names.map((name) => JSON.parse(new TextDecoder().decode(bytesOf(`${name}/config.json`))).model_type);
  expect([...new Set(types)].sort()).toEqual(Object.keys(architectures).sort());
});

test("files of before `rope_parameters` mean the same", () => {
  const planWith = (name: string, changes: object) => {
    const values = JSON.parse(new TextDecoder().decode(bytesOf(`${name}/config.json`)));
    return planOf(new Config({ ...values, ...changes }));
  };
  const { rope_theta, ...rope_scaling } = JSON.parse(new TextDecoder().decode(bytesOf("llama/config.json")))
    .rope_parameters as { rope_theta: number };
  expect(planWith("llama", { rope_parameters: null, rope_theta, rope_scaling })).toEqual(planWith("llama", {}));
  const gemma3 = {
    rope_parameters: null,
    layer_types: null,
    sliding_window_pattern: 3,
    rope_theta: 5000,
    rope_local_base_freq: 100,
    rope_scaling: { rope_type: "linear", factor: 8 },
  };
  expect(planWith("gemma3", gemma3)).toEqual(planWith("gemma3", {}));
  const modernbert = { rope_parameters: null, layer_types: null, global_rope_theta: 160000, local_rope_theta: 10000 };
  expect(planWith("modernbert", modernbert)).toEqual(planWith("modernbert", {}));
});

test("dynamic scaling begins beyond the trained length and makes the context as many times longer", () => {
  const { rope_parameters, ...values } = JSON.parse(new TextDecoder().decode(bytesOf("llama-dynamic/config.json")));
  const planWith = (changes: object) =>
    planOf(new Config({ ...values, rope_parameters: { ...rope_parameters, ...changes } }));
  expect(planWith({}).context).toBe(8 * 12);
  expect(planWith({ factor: 2.5 }).context).toBe(30);
  expect(planWith({ rope_type: "default" }).context).toBe(12);
  const { growing, frequencies } = rotaryOf(new Config({ ...values, rope_parameters }), 8);
  expect(growing!.frequencies(12)).toEqual(frequencies);
  // The slowest pair's base is 1000 · (8 · 24 / 12 − 7)^(8/6).
  expect(growing!.frequencies(24).at(-1)).toBeCloseTo((1000 * 9 ** (8 / 6)) ** (-6 / 8), 12);
  expect(() => planWith({ factor: 0.5 })).toThrow("factor is 0.5, expected 1 or more");
  expect(() => planWith({ factor: undefined })).toThrow("factor");
});

describe.each(names)("%s", (name) => {
  const { tensors, ids, pixels, greedy, budget } = expected(name);
  const sequence = pixels ? { pixels } : { tokens: ids };
  const using = async (body: (model: Model) => void) => {
    const model = await open(name);
    try {
      body(model);
    } finally {
      model.dispose();
    }
  };

  test("what goes into each layer, and what comes out, lies within the float32 budget", () =>
    using((model) => {
      const far: Record<string, number> = {};
      const share = (key: string, actual: Float32Array) => {
        far[key] = apart(actual, tensors[key]!) / budget(key);
      };
      const { logits, hidden } = model.forward([sequence], {
        logits: "all",
        hidden: true,
        observe: (layer, x) => {
          if (tensors[`hidden.${layer}`]) share(`hidden.${layer}`, x);
        },
      });
      if (tensors.logits) share("logits", logits[0]!);
      else share("out", hidden[0]!);
      for (const [key, value] of Object.entries(far)) expect(value, key).toBeLessThan(1);
      expect(Object.keys(far).sort()).toEqual(Object.keys(tensors).sort());
    }));

  test.runIf(tensors.logits && greedy.length)("prefilled by pieces the logits are the same", () =>
    using((model) => {
      const width = model.plan.vocabulary;
      for (const size of [1, 5, 7]) {
        const cache = model.cache();
        const all = new Float32Array(ids.length * width);
        for (let first = 0; first < ids.length; first += size) {
          const tokens = ids.slice(first, first + size);
          all.set(model.forward([{ tokens, cache, length: ids.length }], { logits: "all" }).logits[0]!, first * width);
        }
        expect(apart(all, tensors.logits!) / budget("logits"), `pieces of ${size}`).toBeLessThan(1);
        cache.release();
      }
    }),
  );

  test.runIf(greedy.length)("64 tokens are those that transformers chooses", () =>
    using((model) => {
      const cache = model.cache();
      const chosen: number[] = [];
      for (let tokens = ids; chosen.length < greedy.length; tokens = chosen.slice(-1))
        chosen.push(best(model.forward([{ tokens, cache }]).logits[0]!));
      expect(chosen).toEqual(greedy);
    }),
  );

  test("sequences of unequal length, packed, are as they are alone", () =>
    using((model) => {
      const parts = pixels
        ? [{ pixels }, { pixels: pixels.map((value) => -value) }]
        : [sequence, { tokens: ids.slice(3, 8) }, { tokens: ids.slice(0, 1) }, { tokens: ids.slice(2) }];
      const [key, take] = tensors.logits ? (["logits", "logits"] as const) : (["out", "hidden"] as const);
      const options = { logits: "all", hidden: true } as const;
      const packed = model.forward(parts, options)[take];
      parts.forEach((part, i) => {
        const alone = model.forward([part], options)[take][0]!;
        expect(apart(packed[i]!, alone) / budget(key)).toBeLessThan(1);
      });
    }));
});
