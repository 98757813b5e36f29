import { afterAll, beforeAll, expect, test } from "vitest";
import { readSafetensors, type WritableTensor, writeSafetensors } from "../../src/io.ts";
import {
  type Cache,
  complete,
  fromBuffers,
  fromFolder,
  type GenerateOptions,
  generate,
  loadModel,
  type Model,
  type Piece,
  type Tokenizer,
} from "../../src/models.ts";
import { bytesOf, expected, pathOf } from "./fixtures.ts";

/** Tokens 0 to 95 are the printable characters of ASCII from the space on. */
const tokenizer: Tokenizer = {
  encode: (text) => [...text].map((character) => character.charCodeAt(0) - 32),
  decode: (tokens) => String.fromCharCode(...tokens.map((token) => token + 32)),
  template: async (messages) => messages.map(({ role, content }) => `<${role}>${content}`).join(""),
};
const { ids, greedy } = expected("llama");
const wanted = tokenizer.decode(greedy);

let model: Model;
beforeAll(async () => {
  model = await loadModel(fromFolder(pathOf("llama")), { tokenizer });
});
afterAll(() => model.dispose());

async function all(
  prompt: Parameters<typeof generate>[1],
  options: GenerateOptions = {},
  of = model,
): Promise<Piece[]> {
  const pieces: Piece[] = [];
  for await (const piece of generate(of, prompt, options)) pieces.push(piece);
  return pieces;
}
const textOf = (pieces: readonly Piece[]) => pieces.map(({ text }) => text).join("");

test("greedy by default: the tokens that transformers chooses, from tokens or text, whatever the chunks", async () => {
  for (const chunk of [1, 4, 256]) {
    const pieces = await all(ids, { maxTokens: 64, chunk });
    expect(pieces.map(({ token }) => token)).toEqual(greedy);
    expect(textOf(pieces)).toBe(wanted);
    expect(pieces.at(-1)!.finish).toBe("length");
    expect(pieces.slice(0, -1).every(({ finish }) => finish === undefined)).toBe(true);
  }
  expect(textOf(await all(tokenizer.decode(ids), { maxTokens: 64 }))).toBe(wanted);
});
test("a stop string ends it and stays out; an end token too", async () => {
  const stop = wanted.slice(10, 13);
  const cut = await all(ids, { maxTokens: 64, stop: [stop] });
  expect(textOf(cut)).toBe(wanted.slice(0, wanted.indexOf(stop)));
  expect(cut.at(-1)!.finish).toBe("stop");
  const ended = await all(ids, { maxTokens: 64, endTokens: [greedy[7]!] });
  expect(textOf(ended)).toBe(wanted.slice(0, greedy.indexOf(greedy[7]!)));
  expect(ended.at(-1)!.finish).toBe("end");
});
test("log-probabilities are those of the logits, and the likeliest tokens come with them", async () => {
  const [piece] = await all(ids, { maxTokens: 1, alternatives: 3 });
  const logits = [...model.forward([{ tokens: ids }]).logits[0]!];
  const sum = Math.log(logits.reduce((total, logit) => total + Math.exp(logit), 0));
  expect(piece!.logProbability).toBeCloseTo(logits[greedy[0]!]! - sum, 6);
  expect(piece!.alternatives).toHaveLength(3);
  expect(piece!.alternatives[0]).toEqual({ token: greedy[0], logProbability: piece!.logProbability });
});
test("sampled text is the same for the same seed, and another for another", async () => {
  const some = async (seed: number) => textOf(await all(ids, { maxTokens: 30, temperature: 1.5, seed }));
  expect(await some(3)).toBe(await some(3));
  expect(await some(3)).not.toBe(await some(4));
});
test("several prompts at once give what each gives alone", async () => {
  const prompts = [ids, ids.slice(0, 3), ids.slice(5, 11)];
  const options = { maxTokens: 12, temperature: 0.8, topP: 0.9, seed: 2 };
  const together = await complete(model, prompts, { ...options, stop: [wanted.slice(3, 5)] });
  for (const [i, prompt] of prompts.entries()) {
    const alone = await all(prompt, { ...options, seed: 2 + i, stop: [wanted.slice(3, 5)] });
    expect(together[i]!.text).toBe(textOf(alone));
    expect(together[i]!.tokens).toEqual(alone.map(({ token }) => token));
    expect(together[i]!.finish).toBe(alone.at(-1)!.finish);
    alone.forEach(({ logProbability }, t) => {
      expect(together[i]!.logProbabilities[t]).toBeCloseTo(logProbability, 4);
    });
  }
});
test("prompts are packed: a pass reads as many tokens as it may, of whichever prompts", async () => {
  const prompts = [ids, ids.slice(0, 3), ids.slice(5, 11), ids.slice(2)];
  const passes: number[][] = [];
  const watched = Object.create(model, {
    forward: {
      value: (...[sequences, options]: Parameters<Model["forward"]>) => {
        passes.push(sequences.map(({ tokens }) => tokens!.length));
        return model.forward(sequences, options);
      },
    },
    generates: { get: () => model.generates },
    cache: { value: (options: object) => model.cache(options) },
    tokenizer: { value: () => model.tokenizer() },
  }) as Model;
  const together = await complete(watched, prompts, { maxTokens: 3, chunk: 20 });
  expect(passes).toEqual([[18, 2], [1, 6, 13], [3], [1, 1, 1, 1], [1, 1, 1, 1]]);
  for (const [i, prompt] of prompts.entries())
    expect(together[i]!.tokens).toEqual((await all(prompt, { maxTokens: 3 })).map(({ token }) => token));
});
test("the repetition penalty counts what the cache has read, too", async () => {
  const cache = model.cache();
  const options = { maxTokens: 12, repetitionPenalty: 1.7 };
  model.forward([{ tokens: ids.slice(0, 15), cache }]);
  const behind = await all(ids.slice(15), { ...options, cache });
  const whole = await all(ids, options);
  expect(behind.map(({ token }) => token)).toEqual(whole.map(({ token }) => token));
  cache.release();
});
test("a cache that is cut off or altered is refused, and the one it was for stays", async () => {
  const cache = model.cache();
  model.forward([{ tokens: ids.slice(0, 9), cache }]);
  const saved = cache.save();
  expect(() => cache.restore(saved.subarray(0, -8))).toThrow("cache");
  const altered = (change: (tensors: Record<string, WritableTensor>) => void) => {
    const { tensors, metadata } = readSafetensors(saved);
    change(tensors);
    return writeSafetensors(tensors, metadata);
  };
  for (const change of [
    (tensors) => delete tensors["0.1"],
    (tensors) => delete tensors.tokens,
    (tensors) => {
      tensors["2.0"] = { shape: [9, 1, 1], data: new Float32Array(9), dtype: "F32" };
    },
  ] as ((tensors: Record<string, WritableTensor>) => void)[])
    expect(() => cache.restore(altered(change))).toThrow("cache: what it holds does not fit this model");
  expect(cache.save()).toEqual(saved);
  cache.release();
});
test("scores that overflow are an error, not a text", async () => {
  const config = bytesOf("qwen3/config.json");
  const { tensors } = readSafetensors(bytesOf("qwen3/model.safetensors"));
  (tensors["model.norm.weight"]!.data as Float32Array).fill(3e38);
  const stored = writeSafetensors(
    Object.fromEntries(Object.entries(tensors).map(([name, of]) => [name, { ...of, dtype: "F32" }])),
  );
  const broken = await loadModel(fromBuffers({ "config.json": config, "model.safetensors": stored }), { tokenizer });
  for (const temperature of [0, 1])
    await expect(all(ids, { temperature }, broken)).rejects.toThrow("logits: they are not finite");
  broken.dispose();
});
test("a cache keeps what was read, and can be saved and restored, with a window and a recurrence too", async () => {
  for (const name of ["llama", "mistral", "gemma3", "phi3-long", "mamba", "falcon-h1"]) {
    const other = await loadModel(fromFolder(pathOf(name)), { tokenizer });
    const { ids: read, greedy: following } = expected(name);
    const cache = other.cache();
    await all(read.slice(0, 11), { maxTokens: 1, cache }, other);
    const saved = cache.save();
    cache.release();
    const again = other.cache();
    again.restore(saved);
    expect(again.length).toBe(11);
    const pieces = await all(read.slice(11), { maxTokens: 64, cache: again }, other);
    expect(
      pieces.map(({ token }) => token),
      name,
    ).toEqual(following);
    again.release();
    expect(() => again.save()).toThrow("cache: this cache is released");
    other.dispose();
  }
});
test("a cache that was told how long its text becomes still knows when it is restored", async () => {
  // Beyond 24 tokens this model turns its keys by other frequencies, from the first token on.
  const long = await loadModel(fromFolder(pathOf("phi3-long")));
  const tokens = expected("phi3-long").ids.slice(0, 12);
  const cache = long.cache();
  long.forward([{ tokens: tokens.slice(0, 8), cache, length: 40 }]);
  const again = long.cache();
  again.restore(cache.save());
  const next = (of: Cache) => [...long.forward([{ tokens: tokens.slice(8), cache: of }]).logits[0]!];
  const expectedNext = next(cache);
  expect(next(again)).toEqual(expectedNext);
  const short = long.cache();
  long.forward([{ tokens: tokens.slice(0, 8), cache: short }]);
  expect(next(short)).not.toEqual(expectedNext);
  long.dispose();
});
test("a cache of another model is refused", async () => {
  const other = await loadModel(fromFolder(pathOf("mistral")));
  const saved = other.cache().save();
  expect(() => model.cache().restore(saved)).toThrow("cache: it was saved by another model: expected llama, 2 layers");
  other.dispose();
});
test("leaving the loop, and failing, give the memory back", async () => {
  const once = async () => {
    for await (const _ of generate(model, ids, { maxTokens: 64 })) break;
    await expect(all(ids, { maxTokens: 9, endTokens: [], topP: 7 })).rejects.toThrow("topP");
  };
  await once();
  const used = model.kernels.arena.used;
  for (let i = 0; i < 5; i++) await once();
  expect(model.kernels.arena.used).toBe(used);
});
test("a conversation is written with the template", async () => {
  const messages = [{ role: "user", content: "Hi" }];
  expect(textOf(await all(messages, { maxTokens: 5 }))).toBe(textOf(await all("<user>Hi", { maxTokens: 5 })));
});
test("a signal ends it with its reason, before and between tokens", async () => {
  await expect(all(ids, { signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow("enough");
  const controller = new AbortController();
  const read = async () => {
    let count = 0;
    for await (const _ of generate(model, ids, { signal: controller.signal, maxTokens: 64 }))
      if (++count === 3) controller.abort(new Error("stop now"));
  };
  await expect(read()).rejects.toThrow("stop now");
});
test("the context ends it; a longer prompt is refused", async () => {
  const long = Array.from({ length: 120 }, (_, i) => (7 * i) % 96);
  const pieces = await all(long);
  expect(pieces).toHaveLength(128 - 120 + 1);
  expect(pieces.at(-1)!.finish).toBe("length");
  await expect(all([...long, ...long])).rejects.toThrow(
    "prompt: it has 240 tokens, more than the context of 128; shorten it",
  );
});
test("bad prompts and options are refused by name", async () => {
  for (const [prompt, options, message] of [
    [[], {}, "prompt: it has no tokens"],
    [[96], {}, "tokens: token 96 is none of the vocabulary: 0 to 95"],
    [[1.5], {}, "tokens: token 1.5 is none of the vocabulary"],
    [ids, { maxTokens: 0 }, "maxTokens: must be a whole number ≥ 1, got 0"],
    [ids, { stop: ["a", ""] }, "stop: an empty text ends nothing; leave it out"],
    [ids, { chunk: -1 }, "chunk: must be a whole number ≥ 1, got -1"],
  ] as const)
    await expect(all(prompt, options)).rejects.toThrow(message);
  const encoder = await loadModel(fromFolder(pathOf("bert")), { tokenizer });
  await expect(all(ids, {}, encoder)).rejects.toThrow("model: bert does not write text");
  encoder.dispose();
});
