/** Where models come from, and what is said of those that cannot be loaded. */

import { readdirSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readSafetensors, type WritableTensor, writeSafetensors } from "../../src/io.ts";
import {
  complete,
  embed,
  fromBuffers,
  fromFiles,
  fromFolder,
  fromUrl,
  generate,
  type LoadModelOptions,
  loadModel,
  type Progress,
  quantise,
  type Source,
} from "../../src/models.ts";
import { load as loadKernels } from "../../src/wasm.ts";
import { apart, bytesOf, expected, pathOf } from "./fixtures.ts";

type Files = Record<string, Uint8Array<ArrayBuffer>>;
const filesOf = (name: string): Files =>
  Object.fromEntries(readdirSync(pathOf(name)).map((file) => [file, bytesOf(`${name}/${file}`)]));
const sharded = filesOf("llama");
const single = filesOf("mistral");
const encode = (value: unknown) => new TextEncoder().encode(JSON.stringify(value)) as Uint8Array<ArrayBuffer>;
const configWith = (files: Files, changes: object): Files => ({
  ...files,
  "config.json": encode({ ...JSON.parse(new TextDecoder().decode(files["config.json"])), ...changes }),
});
/** The single file with some of its tensors changed. */
const tensorsWith = (change: (tensors: Record<string, WritableTensor>) => void): Files => {
  const tensors: Record<string, WritableTensor> = { ...readSafetensors(single["model.safetensors"]!).tensors };
  change(tensors);
  return { ...single, "model.safetensors": writeSafetensors(tensors) };
};
const logitsOf = async (source: Source, options?: LoadModelOptions, name = "llama") => {
  const model = await loadModel(source, options);
  const { logits } = model.forward([{ tokens: expected(name).ids }], { logits: "all" });
  model.dispose();
  return logits[0]!;
};
const failing = (files: Files) => loadModel(fromBuffers(files));

describe("sources", () => {
  const asked: { path: string; range: string | undefined }[] = [];
  let ranges = true;
  let server: Server;
  let base: string;
  beforeAll(async () => {
    server = createServer((request, response) => {
      const path = request.url!.slice(1);
      const { range } = request.headers;
      asked.push({ path, range });
      const bytes = sharded[path];
      if (path === "broken/config.json") return response.writeHead(500).end();
      if (!bytes) return response.writeHead(404).end();
      const [, begin, end] = /bytes=(\d+)-(\d+)/.exec(range ?? "") ?? [];
      if (!ranges || begin === undefined) return response.writeHead(200).end(bytes);
      const part = bytes.subarray(Number(begin), Number(end) + 1);
      const from = `bytes ${begin}-${Number(begin) + part.length - 1}/${bytes.length}`;
      return response.writeHead(206, { "content-range": from }).end(part);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => server.close());

  test("a folder, a URL with ranges or without, files and buffers give the same model", async () => {
    const wanted = await logitsOf(fromFolder(pathOf("llama")));
    expect(apart(wanted, expected("llama").tensors.logits!)).toBeLessThan(expected("llama").budget("logits"));
    const files = Object.entries(sharded).map(([name, bytes]) => new File([bytes], name));
    expect(await logitsOf(fromFiles(files))).toEqual(wanted);
    expect(await logitsOf(fromBuffers(sharded))).toEqual(wanted);
    expect(await logitsOf(fromUrl(base))).toEqual(wanted);
    ranges = false;
    expect(await logitsOf(fromUrl(`${base}/`))).toEqual(wanted);
    ranges = true;
  });
  test("of a file behind a URL no byte is asked for twice, but for headers", async () => {
    asked.length = 0;
    await logitsOf(fromUrl(base));
    const shard = asked.filter(({ path }) => path.startsWith("model-00001")).map(({ range }) => range);
    expect(new Set(shard).size).toBe(shard.length);
  });
  test("progress goes up to the end, in bytes", async () => {
    const seen: Progress[] = [];
    await logitsOf(fromUrl(base), { progress: (progress) => seen.push(progress) });
    const total = seen[0]!.total;
    expect(seen.map(({ loaded }) => loaded)).toEqual(seen.map(({ loaded }) => loaded).sort((a, b) => a - b));
    expect(seen.at(-1)!.loaded).toBe(total);
    const held = Object.entries(sharded).flatMap(([name, bytes]) =>
      /^model-/.test(name) ? Object.values(readSafetensors(bytes).tensors) : [],
    );
    expect(total).toBe(held.reduce((sum, { data }) => sum + data.byteLength, 0));
  });
  test("a signal ends the loading with its reason and gives the memory back", async () => {
    const kernels = await loadKernels();
    const before = kernels.arena.used;
    const controller = new AbortController();
    const progress = () => controller.abort(new Error("enough"));
    await expect(loadModel(fromUrl(base), { kernels, signal: controller.signal, progress })).rejects.toThrow("enough");
    expect(kernels.arena.used).toBe(before);
    expect(await logitsOf(fromUrl(base), { kernels })).toHaveLength(18 * 96);
  });
  test("a URL that leads nowhere by itself is refused, with what would", () => {
    expect(() => fromUrl("models/small")).toThrow(
      'fromUrl: base must be an absolute URL, got models/small; in a page give new URL("models/small", document.baseURI)',
    );
  });
  test("a server that fails or is not there is named", async () => {
    await expect(loadModel(fromUrl(`${base}/broken`))).rejects.toThrow("the server answered 500");
    await expect(loadModel(fromUrl("http://127.0.0.1:1"))).rejects.toThrow(
      "http://127.0.0.1:1/config.json: the request failed",
    );
  });
});

describe("what cannot be loaded", () => {
  test("options that there are not, of every call, with those that there are", async () => {
    const typo = { widnow: 1 } as never;
    const says = (call: string) => `${call}: widnow: there is no option widnow; the options are `;
    await expect(loadModel(fromBuffers(single), typo)).rejects.toThrow(`${says("loadModel")}progress, signal`);
    expect(() => fromUrl("http://localhost", typo)).toThrow(says("fromUrl"));
    await expect(quantise(fromBuffers(single), typo)).rejects.toThrow(says("quantise"));
    const model = await loadModel(fromBuffers(single));
    await expect(generate(model, [1], typo).next()).rejects.toThrow(says("generate"));
    await expect(complete(model, [[1]], typo)).rejects.toThrow(says("complete"));
    await expect(embed(model, [[1]], typo)).rejects.toThrow(says("embed"));
    expect(() => model.cache(typo)).toThrow(`${says("cache")}window, sinks`);
    expect(() => model.forward([{ tokens: [1] }], typo)).toThrow(says("forward"));
    expect(() => model.cache(3 as never)).toThrow("options must be an object, got number");
    model.dispose();
  });
  test("missing files", async () => {
    await expect(loadModel(fromFolder("/nowhere"))).rejects.toThrow("/nowhere: there is no config.json");
    const { "config.json": config, "model-00002-of-00003.safetensors": _, ...rest } = sharded;
    await expect(failing({ "config.json": config! })).rejects.toThrow(
      "there is neither model.safetensors nor model.safetensors.index.json",
    );
    await expect(failing({ "config.json": config!, ...rest })).rejects.toThrow(
      "the shard model-00002-of-00003.safetensors is missing",
    );
  });
  test("files that are cut off or damaged", async () => {
    const whole = single["model.safetensors"]!;
    for (const length of [0, 5, 100, whole.length - 1])
      await expect(failing({ ...single, "model.safetensors": whole.slice(0, length) })).rejects.toThrow(
        "model.safetensors: ",
      );
    await expect(failing({ ...single, "config.json": encode("{").slice(0, 2) })).rejects.toThrow(
      "config.json: is no JSON",
    );
  });
  test("an architecture or quantisation that is not supported, with those that are", async () => {
    await expect(failing(configWith(single, { model_type: "t5" }))).rejects.toThrow(
      "the architecture t5 is not supported; supported are bert, distilbert, falcon_h1",
    );
    await expect(failing(configWith(single, { quantization_config: { quant_method: "mxfp4" } }))).rejects.toThrow(
      "quantization_config mxfp4 is not supported; take float32, float16 or bfloat16 weights",
    );
    await expect(
      failing(configWith(single, { rope_parameters: { rope_type: "cubic", rope_theta: 1 } })),
    ).rejects.toThrow(
      "rope_type cubic is not supported; supported are default, linear, dynamic, llama3, yarn, longrope",
    );
    await expect(failing(configWith(single, { hidden_act: "mish" }))).rejects.toThrow(
      "the activation mish is not supported",
    );
    const integers = tensorsWith((tensors) => {
      tensors["model.norm.weight"] = { shape: [32], data: new Array(32).fill(1), dtype: "I32" };
    });
    await expect(failing(integers)).rejects.toThrow(
      "model.norm.weight: the encoding I32 is not supported; supported are F32, F64, F16, BF16, Q8_0",
    );
  });
  test("a configuration that lacks something or holds something else", async () => {
    await expect(failing(configWith(single, { hidden_size: null }))).rejects.toThrow(
      "buffers: config.json: hidden_size is missing, expected a whole number ≥ 1",
    );
    await expect(failing(configWith(single, { num_hidden_layers: "2" }))).rejects.toThrow(
      'num_hidden_layers must be a whole number ≥ 1, got "2"',
    );
  });
  test("a tensor that is missing or of another shape", async () => {
    const missing = tensorsWith((tensors) => {
      delete tensors["model.layers.1.mlp.up_proj.weight"];
    });
    await expect(failing(missing)).rejects.toThrow("model.layers.1.mlp.up_proj.weight: this tensor is missing");
    await expect(failing(configWith(single, { intermediate_size: 40 }))).rejects.toThrow(
      "model.layers.0.mlp.gate_proj.weight: expected shape [40, 32], got [48, 32] in model.safetensors",
    );
  });
  test("weights that are no numbers, and then nothing stays loaded", async () => {
    const kernels = await loadKernels();
    const before = kernels.arena.used;
    const broken = tensorsWith((tensors) => {
      const { shape, data } = tensors["model.layers.1.self_attn.o_proj.weight"]!;
      const values = Float32Array.from(data);
      values[77] = Number.NaN;
      tensors["model.layers.1.self_attn.o_proj.weight"] = { shape, data: values, dtype: "BF16" };
    });
    await expect(loadModel(fromBuffers(broken), { kernels })).rejects.toThrow(
      "model.layers.1.self_attn.o_proj.weight: element 77 is NaN; a weight must be a finite number",
    );
    expect(kernels.arena.used).toBe(before);
  });
  test("a model that is disposed", async () => {
    const model = await loadModel(fromBuffers(single));
    model.dispose();
    model.dispose();
    expect(() => model.forward([{ tokens: [1] }])).toThrow("model: this model is disposed; load it again");
  });
});
