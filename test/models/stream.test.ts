/** Texts without end: the first tokens and the last ones are kept, numbered as they stand in the cache. */
import { expect, test } from "vitest";
import { best } from "../../src/models/sampling.ts";
import { fromBuffers, generate, loadModel, type Model, type Piece } from "../../src/models.ts";
import { apart, bytesOf, expected, open } from "./fixtures.ts";

/** The weights of a fixture under another configuration. */
const changed = (name: string, changes: object): Promise<Model> => {
  const config = { ...JSON.parse(new TextDecoder().decode(bytesOf(`${name}/config.json`))), ...changes };
  const json = new TextEncoder().encode(JSON.stringify(config));
  return loadModel(fromBuffers({ "config.json": json, "model.safetensors": bytesOf(`${name}/model.safetensors`) }));
};
/** Numbers below 96 in no order. */
const text = (count: number) => Array.from({ length: count }, (_, t) => (t * t * 7 + 31 * t + (t >> 2)) % 96);
/** The logits of each token, read in pieces of `size`. */
const logitsOf = (model: Model, tokens: readonly number[], options: object, size: number): Float32Array[] => {
  const cache = model.cache(options);
  const rows: Float32Array[] = [];
  for (let first = 0; first < tokens.length; first += size) {
    const part = tokens.slice(first, first + size);
    const [logits] = model.forward([{ tokens: part, cache }], { logits: "all" }).logits;
    for (let t = 0; t < part.length; t++) rows.push(logits!.slice(t * 96, (t + 1) * 96));
  }
  cache.release();
  return rows;
};
const written = async (model: Model, prompt: readonly number[], options: object): Promise<Piece[]> => {
  const pieces: Piece[] = [];
  for await (const piece of generate(model, prompt, { endTokens: [], ...options })) pieces.push(piece);
  return pieces;
};

test.each(["qwen3", "llama-tied", "phi3-long"])(
  "%s: with one layer each token sees what a text of only the tokens that are kept shows it",
  async (name) => {
    const model = await changed(name, { num_hidden_layers: 1, layer_types: null });
    const { budget } = expected(name);
    const tokens = text(200);
    for (const [sinks, window] of [
      [3, 10],
      [1, 5],
      [0, 7],
    ] as const)
      for (const size of [1, 7, 64]) {
        const rows = logitsOf(model, tokens, { sinks, window }, size);
        for (const t of [2, sinks + window - 1, sinks + window, 20, 70, 131, 199]) {
          const kept =
            t < sinks + window
              ? tokens.slice(0, t + 1)
              : [...tokens.slice(0, sinks), ...tokens.slice(t + 1 - window, t + 1)];
          const wanted = model.forward([{ tokens: kept }]).logits[0]!;
          expect(apart(rows[t]!, wanted) / budget("logits"), `${sinks}, ${window}, ${size}: ${t}`).toBeLessThan(1);
        }
      }
    model.dispose();
  },
);

test("without sinks it is a window of every layer: mistral's weights as llama's write what transformers makes of them", async () => {
  const model = await changed("mistral", { model_type: "llama", sliding_window: null });
  const { ids, greedy, tensors, budget } = expected("mistral");
  for (const size of [1, 4, 18]) {
    const rows = logitsOf(model, ids, { sinks: 0, window: 6 }, size);
    rows.forEach((row, t) => {
      expect(apart(row, tensors.logits!.subarray(t * 96, (t + 1) * 96)) / budget("logits")).toBeLessThan(1);
    });
  }
  expect((await written(model, ids, { sinks: 0, window: 6, maxTokens: 64 })).map(({ token }) => token)).toEqual(greedy);
  model.dispose();
});

test("it writes beyond the context, from prompts beyond it, in memory that stays, and goes on from what was saved", async () => {
  for (const name of ["llama", "gemma3", "falcon-h1"]) {
    const model = await open(name);
    const options = { sinks: 4, window: 30 };
    const { budget } = expected(name);
    const tokens = text(150);
    const [whole, pieces] = [150, 11].map((size) => logitsOf(model, tokens, options, size));
    whole!.forEach((row, t) => {
      expect(apart(row, pieces![t]!) / budget("logits"), `${name}: ${t}`).toBeLessThan(1);
    });

    const cache = model.cache(options);
    model.forward([{ tokens, cache }], { logits: "none" });
    const { bytes } = cache;
    const saved = cache.save();
    const next = (from = cache) => {
      const chosen: number[] = [];
      for (let token = 1; chosen.length < 200; chosen.push(token))
        token = best(model.forward([{ tokens: [token], cache: from }]).logits[0]!);
      return chosen;
    };
    const wanted = next();
    expect(cache.length).toBe(350);
    expect(cache.bytes).toBe(bytes);
    const again = model.cache(options);
    again.restore(saved);
    expect(next(again)).toEqual(wanted);
    expect(() => model.cache().restore(saved)).toThrow("cache: it was saved by another model");

    const long = await written(model, tokens, { ...options, maxTokens: 200 });
    expect(long.map(({ token }) => token)).toEqual(
      (await written(model, tokens, { ...options, maxTokens: 200, chunk: 9 })).map(({ token }) => token),
    );
    expect(long).toHaveLength(200);
    model.dispose();
  }
});

test("streams that cannot be are refused by name", async () => {
  const model = await open("llama");
  const gpt2 = await open("gpt2");
  for (const [options, message] of [
    [{ window: 0 }, "window: must be a whole number ≥ 1, got 0"],
    [{ window: 8, sinks: -1 }, "sinks: must be a whole number ≥ 0, got -1"],
    [{ sinks: 4 }, "sinks: 4 are kept beside a window; give window too"],
    [{ window: 125 }, "window: 4 + 125 tokens are more than the context of 128; give less"],
  ] as const) {
    expect(() => model.cache(options)).toThrow(message);
    await expect(written(model, [1], options)).rejects.toThrow(message);
  }
  expect(() => gpt2.cache({ window: 8 })).toThrow("window: this model has learned positions");
  await expect(written(model, [1], { window: 8, cache: model.cache() })).rejects.toThrow(
    "cache: it has its own window",
  );
  model.dispose();
  gpt2.dispose();
});
