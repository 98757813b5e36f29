/** Weights of 8 and 4 bits, held as such: products with them, how they get there, and what memory they take. */
import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { readSafetensors, type WritableTensor, writeSafetensors } from "../../src/io.ts";
import { planOf } from "../../src/models/architectures.ts";
import type { Checkpoint } from "../../src/models/checkpoint.ts";
import { encodings } from "../../src/models/encodings.ts";
import { toQ4_0, toQ8_0 } from "../../src/models/gguf-blocks.ts";
import { loadWeights } from "../../src/models/load-weights.ts";
import { Memory } from "../../src/models/memory.ts";
import { keyOf, matrix, productsOf, stacked, transposed, type Weight, weightsOf } from "../../src/models/weights.ts";
import { Config, embed, fromBuffers, fromFolder, loadModel, quantise, type Source } from "../../src/models.ts";
import { random } from "../../src/oracle.ts";
import {
  dequantise,
  type Kernels,
  load as loadKernels,
  PackedWeights,
  quantise as quantiseRows,
} from "../../src/wasm.ts";
import { shaped } from "../bench/shapes.ts";
import { apart, bytesOf, expected, names, pathOf } from "./fixtures.ts";

/** What rows of so many values become. */
type Round = (values: Float32Array, columns: number) => Float32Array;
const inBlocks =
  (encoding: string, encode: (values: Float32Array) => Uint8Array): Round =>
  (values) => {
    const result = new Float32Array(values.length);
    encodings[encoding]!.decode(encode(values), result);
    return result;
  };
const inRows: Round = (data, columns) =>
  dequantise(quantiseRows({ shape: [data.length / columns, columns], data }, "int8")).data;

const formats = [
  ["q8_0", inBlocks("Q8_0", toQ8_0)],
  ["q4_0", inBlocks("Q4_0", toQ4_0)],
  ["int8", inRows],
] as const;

/** Values [..., rows, columns] with the last two axes exchanged. */
const turned = (values: Float32Array, rows: number, columns: number): Float32Array =>
  values.map((_, at) => {
    const [lead, within] = [at - (at % (rows * columns)), at % (rows * columns)];
    return values[lead + (within % rows) * columns + Math.floor(within / rows)]!;
  });

/** A fixture whose products have the values that numbers of few bits stand for. */
function dequantised(name: string, format: string, rounded: Round): Source {
  const tensors: Record<string, WritableTensor> = {};
  for (const file of readdirSync(pathOf(name)))
    if (/^model.*safetensors$/.test(file)) Object.assign(tensors, readSafetensors(bytesOf(`${name}/${file}`)).tensors);
  const config = bytesOf(`${name}/config.json`);
  const plan = planOf(new Config(JSON.parse(new TextDecoder().decode(config))));
  const products = productsOf(plan);
  let changed = 0;
  for (const weight of weightsOf(plan)) {
    if (!products.has(keyOf(weight)) || (format !== "int8" && weight.shape[1]! % 32 !== 0)) continue;
    for (const part of weight.parts) {
      const found = ["", ...(plan.prefixes ?? [])].map((prefix) => prefix + part.name).find((one) => tensors[one])!;
      const { shape, data } = tensors[found]!;
      const [rows, columns] = part.shape.slice(-2) as [number, number];
      const values = Float32Array.from(data as Float32Array);
      const result = weight.transposed
        ? turned(rounded(turned(values, rows, columns), rows), columns, rows)
        : rounded(values, weight.shape[1]!);
      tensors[found] = { shape, data: result, dtype: "F32" };
      changed++;
    }
  }
  expect(changed).toBeGreaterThan(0);
  return fromBuffers({ "config.json": config, "model.safetensors": writeSafetensors(tensors) });
}

describe.each(formats)("%s", (format, rounded) => {
  test.each(names)(
    "%s: the model of the values that the numbers stand for, within its float32 budget",
    async (name) => {
      const { ids, pixels, tensors, budget } = expected(name);
      const sequence = pixels ? { pixels } : { tokens: ids };
      const key = tensors.logits ? "logits" : "out";
      const exact = await loadModel(dequantised(name, format, rounded));
      const options = { weights: format, activations: "float32" } as const;
      const model = await loadModel(fromFolder(pathOf(name)), options);
      expect(model.bytes).toBeLessThan(exact.bytes);
      const [wanted, found] = [exact, model].map((one) => {
        const { logits, hidden } = one.forward([sequence], { logits: "all", hidden: true });
        return (tensors.logits ? logits : hidden)[0]!;
      }) as [Float32Array, Float32Array];
      expect(apart(found, wanted)).toBeLessThan(budget(key));
      exact.dispose();
      model.dispose();
    },
  );

  test("rows of any number, below one another, in pairs, or stored the other way round", async () => {
    const source = random(5);
    const stored = new Map<string, { shape: number[]; values: Float32Array; interleaved?: number }>();
    const drawn = (name: string, shape: number[], interleaved?: number) => {
      const count = shape.reduce((product, length) => product * length, 1);
      const values = Float32Array.from({ length: count }, () => source.normal());
      stored.set(name, { shape, values, ...(interleaved !== undefined && { interleaved }) });
      return values;
    };
    const rowsOf = (values: Float32Array, rows: readonly number[], width: number) =>
      Float32Array.from(rows.flatMap((row) => [...values.subarray(row * width, (row + 1) * width)]));
    const [a, b, c] = [drawn("a", [3, 64]), drawn("b", [8, 64], 4), drawn("c", [6, 64])];
    const [d, e] = [drawn("d", [64, 5]), drawn("e", [3, 32, 8])];
    const weights: [Weight, Float32Array][] = [
      [
        stacked(matrix("a", 3, 64), matrix("b", 8, 64), matrix("c", 6, 64)),
        Float32Array.from([...a, ...rowsOf(b, [0, 2, 1, 3, 4, 6, 5, 7], 64), ...c]),
      ],
      [transposed("d", 5, 64), turned(d, 64, 5)],
      [{ shape: [24, 32], parts: [{ name: "e", shape: [3, 32, 8] }], transposed: true }, turned(e, 32, 8)],
    ];
    const kernels = await loadKernels();
    const checkpoint: Checkpoint = {
      config: new Config({}),
      generation: new Config({}),
      tensors: new Map(
        [...stored].map(([name, { values, ...rest }]) => {
          const file = {
            name,
            size: values.byteLength,
            read: async (begin: number, end: number) => new Uint8Array(values.buffer.slice(begin, end)),
          };
          return [name, { file, encoding: encodings.F32!, begin: 0, end: values.byteLength, ...rest }];
        }),
      ),
    };
    const products = new Set(weights.map(([weight]) => keyOf(weight)));
    const memory = new Memory(kernels);
    const loaded = await loadWeights(
      checkpoint,
      weights.map(([weight]) => weight),
      memory,
      { format, products },
    );
    for (const [weight, wanted] of weights) {
      const packed = loaded.get(keyOf(weight)) as PackedWeights;
      expect(packed).toBeInstanceOf(PackedWeights);
      const [rows, columns] = weight.shape as [number, number];
      const found = new Float32Array(rows * columns);
      for (let row = 0; row < rows; row++) packed.readRow(row, found.subarray(row * columns, (row + 1) * columns));
      expect(apart(found, rounded(wanted, columns))).toBe(0);
    }
    memory.release();
  });
});

test.each([
  ["q8_0", "Q8_0"],
  ["q4_0", "Q4_0"],
] as const)("%s: quantised before or at loading it is the same model, bit for bit", async (format, encoding) => {
  const { ids } = expected("llama");
  const bytes = await quantise(fromFolder(pathOf("llama")), { encoding });
  const before = fromBuffers({ "config.json": bytesOf("llama/config.json"), "model.safetensors": bytes });
  const [first, second] = await Promise.all([
    loadModel(before),
    loadModel(fromFolder(pathOf("llama")), { weights: format }),
  ]);
  expect(first.bytes).toBe(second.bytes);
  const logits = (model: typeof first) => model.forward([{ tokens: ids }], { logits: "all" }).logits[0]!;
  expect(logits(first)).toEqual(logits(second));
  const floats = await loadModel(before, { weights: "float32" });
  expect(floats.bytes).toBeGreaterThan(first.bytes);
});

test("columns that are no multiple of 32 stay floats", async () => {
  // The widths of phi3's fixture are 32, those inside its feed-forward blocks 48.
  const model = await loadModel(fromFolder(pathOf("phi3")), { weights: "q8_0" });
  const [feed] = model.plan.layers[0]!.flatMap(({ mixers }) => mixers).flatMap(({ mixer }) =>
    mixer.kind === "feed" ? [mixer] : [],
  );
  expect(feed!.down.weight.shape[1]! % 32).not.toBe(0);
  const floats = await loadModel(fromFolder(pathOf("phi3")));
  const count = (weights: readonly Weight[]) =>
    weights.reduce((sum, { shape }) => sum + shape.reduce((product, length) => product * length, 1), 0);
  const products = productsOf(model.plan);
  const blocks = weightsOf(model.plan).filter((weight) => products.has(keyOf(weight)) && weight.shape[1]! % 32 === 0);
  expect(floats.bytes - model.bytes).toBe(count(blocks) * 4 - (count(blocks) / 32) * 34);
});

test("words that are no format, blocks that are none, and then nothing stays loaded", async () => {
  const source = fromFolder(pathOf("llama"));
  await expect(loadModel(source, { weights: "int3" as "q8_0" })).rejects.toThrow(
    "weights: must be q8_0 or q4_0 or int8 or float32, got int3",
  );
  await expect(loadModel(source, { activations: "int4" as "int8" })).rejects.toThrow(
    "activations: must be int8 or float32, got int4",
  );
  const kernels = await loadKernels();
  const before = kernels.arena.used;
  const { tensors, metadata } = readSafetensors(await quantise(source));
  const name = "model.layers.1.mlp.up_proj.weight";
  (tensors[name]!.data as Uint8Array)[34 * 5 + 1] = 0x7c;
  const broken = fromBuffers({
    "config.json": bytesOf("llama/config.json"),
    "model.safetensors": writeSafetensors(tensors as Record<string, WritableTensor>, metadata),
  });
  await expect(loadModel(broken, { kernels })).rejects.toThrow(
    `${name}: the scale of the block of element 160 is not finite`,
  );
  expect(kernels.arena.used).toBe(before);
});

describe.each(["float32", "q8_0", "q4_0", "int8"] as const)(
  "in %s the kernels' memory stays below 1.25 times",
  (weights) => {
    const ratio = (kernels: Kernels, bytes: number) => kernels.arena.memory.buffer.byteLength / bytes;
    const tokens = (count: number, from = 0) => Array.from({ length: count }, (_, i) => (from + 7919 * i) % 30_000);

    test("the weights of an encoder, for one text of 256 tokens and for 16 that are packed", async () => {
      const kernels = await loadKernels();
      const model = await loadModel(shaped("MiniLM-L6"), { weights, kernels });
      expect(ratio(kernels, model.bytes)).toBeLessThan(1.1);
      const texts = Array.from({ length: 16 }, (_, i) => tokens(32 + i, i));
      await embed(model, [tokens(256), ...texts]);
      expect(ratio(kernels, model.bytes)).toBeLessThan(1.25);
      model.dispose();
      expect(kernels.arena.used).toBeLessThan(1024);
    });

    test("the weights and the cache of a decoder, for prompts of 512 tokens, one after another", async () => {
      const kernels = await loadKernels();
      const model = await loadModel(shaped("SmolLM2-135M", { num_hidden_layers: 4 }), { weights, kernels });
      let most = 0;
      for (const count of [32, 256, 512]) {
        const cache = model.cache();
        model.forward([{ tokens: tokens(count), cache }]);
        most = Math.max(most, cache.bytes);
        cache.release();
      }
      expect(ratio(kernels, model.bytes + most)).toBeLessThan(1.25);
      model.dispose();
      expect(kernels.arena.used).toBeLessThan(1024);
    });
  },
);
