/**
 * Speed and memory of models of well-known shapes with random weights, in one thread: tokens a second written one by one
 * (after 32 others), tokens a second of a prompt of 512, sentences of 32 tokens a second, alone and 16 at a time; each
 * the fastest of several runs. Peak memory is that of the kernels over what weights and cache take.
 *
 *     npm run bench:models -- [SmolLM2-135M|MiniLM-L6] [float32|q8_0|q4_0] [seconds a figure]
 */
import { setFlagsFromString } from "node:v8";
import { embed, loadModel, type Model } from "../../src/models.ts";
import { load } from "../../src/wasm.ts";
import { shaped, shapes } from "./shapes.ts";

// Node 20 has relaxed SIMD behind this flag.
setFlagsFromString("--experimental-wasm-relaxed-simd");
const [name, format, seconds = "6"] = process.argv.slice(2);
const names = (Object.keys(shapes) as (keyof typeof shapes)[]).filter((one) => !name || one === name);
const formats = (["float32", "q8_0", "q4_0"] as const).filter((one) => !format || one === format);
const tokensOf = (count: number, vocabulary: number) =>
  Array.from({ length: count }, (_, i) => (7919 * i) % vocabulary);

/** Units a second of the fastest of the runs that there is time for, the first not counted. */
async function fastest(units: number, run: () => unknown): Promise<number> {
  await run();
  let best = Infinity;
  for (const end = performance.now() + 1000 * Number(seconds); performance.now() < end; ) {
    const from = performance.now();
    await run();
    best = Math.min(best, performance.now() - from);
  }
  return (1000 * units) / best;
}

async function generates(model: Model): Promise<Record<string, number>> {
  const tokens = tokensOf(512, model.plan.vocabulary);
  const cache = model.cache();
  model.forward([{ tokens: tokens.slice(0, 32), cache }]);
  const decode = await fastest(8, () => {
    for (let i = 0; i < 8; i++) model.forward([{ tokens: [tokens[i]!], cache }]);
  });
  cache.release();
  let bytes = 0;
  const prefill = await fastest(512, () => {
    const own = model.cache();
    model.forward([{ tokens, cache: own }]);
    bytes = own.bytes;
    own.release();
  });
  return { decode, prefill, memory: model.kernels.arena.memory.buffer.byteLength / (model.bytes + bytes) };
}

async function embeds(model: Model): Promise<Record<string, number>> {
  const texts = Array.from({ length: 16 }, (_, i) => tokensOf(32 + i, model.plan.vocabulary).slice(i));
  const alone = await fastest(1, () => embed(model, texts.slice(0, 1)));
  const together = await fastest(16, () => embed(model, texts));
  return { alone, together, memory: model.kernels.arena.memory.buffer.byteLength / model.bytes };
}

for (const shape of names)
  for (const weights of formats) {
    const kernels = await load();
    const started = performance.now();
    const model = await loadModel(shaped(shape), { weights, kernels });
    const loading = performance.now() - started;
    const figures = model.generates ? await generates(model) : await embeds(model);
    const shown = Object.entries(figures).map(([figure, value]) => `${figure} ${value.toPrecision(4)}`);
    console.log(
      `${shape} ${weights} (${kernels.target}): ${(model.bytes / 1e6).toFixed(1)} MB, loaded in ${loading.toFixed(0)} ms, ${shown.join(", ")}`,
    );
    model.dispose();
  }
