import { build } from "esbuild";
import { expect, test, vi } from "vitest";
import { loadTokenizer } from "../../src/models/tokenizer.ts";
import { fromBuffers } from "../../src/models.ts";

const bytes = (value: unknown) =>
  new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value)) as Uint8Array<ArrayBuffer>;
const added = ["<s>", "</s>"].map((content, id) => ({
  ...{ id, content, special: true },
  ...{ single_word: false, lstrip: false, rstrip: false, normalized: false },
}));
const json = {
  version: "1.0",
  added_tokens: added,
  normalizer: null,
  pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
  post_processor: {
    type: "TemplateProcessing",
    single: [{ SpecialToken: { id: "<s>", type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }],
    pair: [],
    special_tokens: { "<s>": { id: "<s>", ids: [0], tokens: ["<s>"] } },
  },
  decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
  model: { type: "BPE", vocab: { "<s>": 0, "</s>": 1, a: 2, b: 3, ab: 4, Ġ: 5 }, merges: ["a b"] },
};
const config = {
  bos_token: { content: "<s>" },
  eos_token: "</s>",
  chat_template: "{{ bos_token }}{% for m in messages %}{{ m.content }}{{ eos_token }}{% endfor %}",
};

test("texts to tokens and back, with special tokens or bare", async () => {
  const tokenizer = await loadTokenizer(fromBuffers({ "tokenizer.json": bytes(json) }));
  expect(tokenizer.encode("ab ba")).toEqual([0, 4, 5, 3, 2]);
  expect(tokenizer.encode("ab ba", true)).toEqual([4, 5, 3, 2]);
  expect(tokenizer.decode([0, 4, 5, 3, 2, 1])).toBe("ab ba");
  expect(tokenizer.template).toBeUndefined();
});
test("the template of tokenizer_config.json, or of a file of its own", async () => {
  const messages = [
    { role: "user", content: "ab" },
    { role: "assistant", content: "b" },
  ];
  const files = { "tokenizer.json": bytes(json), "tokenizer_config.json": bytes(config) };
  const tokenizer = await loadTokenizer(fromBuffers(files));
  const text = await tokenizer.template!(messages);
  expect(text).toBe("<s>ab</s>b</s>");
  expect(tokenizer.encode(text, true)).toEqual([0, 4, 1, 3, 1]);
  const own = await loadTokenizer(fromBuffers({ ...files, "chat_template.jinja": bytes("{{ messages[0].role }}!") }));
  expect(await own.template!(messages)).toBe("user!");
});
test("a model without a tokenizer is named", async () => {
  await expect(loadTokenizer(fromBuffers({}))).rejects.toThrow("buffers: there is no tokenizer.json; give tokens");
});
test("texts and templates need no network", async () => {
  vi.stubGlobal("fetch", () => {
    throw new Error("the network is asked");
  });
  try {
    const files = { "tokenizer.json": bytes(json), "tokenizer_config.json": bytes(config) };
    const tokenizer = await loadTokenizer(fromBuffers(files));
    expect(tokenizer.decode(tokenizer.encode(await tokenizer.template!([{ role: "user", content: "ab" }])))).toBe("ab");
  } finally {
    vi.unstubAllGlobals();
  }
});
test.each(["@huggingface/tokenizers", "@huggingface/jinja"])(
  "%s stands alone, as Workers want it: nothing imported, nothing fetched, no code made from text",
  async (library) => {
    const { metafile, outputFiles } = await build({
      ...{ stdin: { contents: `export * from "${library}"`, resolveDir: "." }, bundle: true, format: "esm" },
      ...{ platform: "browser", write: false, metafile: true },
    });
    expect(Object.values(metafile.outputs).flatMap(({ imports }) => imports)).toEqual([]);
    expect(outputFiles[0]!.text).not.toMatch(/\bfetch\(|XMLHttpRequest|WebSocket|\beval\(|new Function\b|\bimport\(/);
  },
);
