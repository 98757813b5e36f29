/**
 * The same random weights in all forms that contenders read, in `data` beside this file, 1.4 GB:
 *
 *     SHAPE/config.json, model.safetensors     bfloat16, by test/bench/shapes.ts
 *     SHAPE-Q8_0.gguf, SHAPE-Q4_0.gguf         by gguf.ts
 *     SHAPE/onnx/model_int8.onnx               by onnx_files.py, which needs Python with onnx and onnxruntime
 *     MODEL.json                               what the same weights give without rounding what they meet
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { likeliest } from "../../../src/models/sampling.ts";
import { embed, fromFolder, loadModel } from "../../../src/models.ts";
import { shaped, shapes } from "../shapes.ts";
import type { Contest } from "./contests.ts";
import { writeGguf } from "./gguf.ts";
import { promptOf, type Result, textsOf } from "./pages/contest.ts";

export const folder = join(import.meta.dirname, "data");

/** Makes the files that a contest needs and that are not there yet. */
export async function prepare({ shape, contenders }: Contest): Promise<void> {
  const own = join(folder, shape);
  mkdirSync(join(own, "onnx"), { recursive: true });
  const source = shaped(shape);
  await made(join(own, "config.json"), async (path) => writeFileSync(path, JSON.stringify(shapes[shape])));
  await made(join(own, "model.safetensors"), async (path) => {
    const whole = (await source.open("model.safetensors"))!;
    const file = await open(path, "w");
    for (let at = 0; at < whole.size; at += 2 ** 24)
      await file.appendFile(await whole.read(at, Math.min(whole.size, at + 2 ** 24)));
    await file.close();
  });
  const models = Object.values(contenders);
  for (const body of ["Q8_0", "Q4_0"] as const)
    if (models.some(({ model }) => model === `${shape}-${body}.gguf`))
      await made(join(folder, `${shape}-${body}.gguf`), (path) => writeGguf(source, path, body, "Q8_0"));
  if (models.some(({ page }) => page === "transformers" || page === "onnxruntime"))
    await made(join(own, "onnx/model_int8.onnx"), async (path) => {
      const script = join(import.meta.dirname, "onnx_files.py");
      execFileSync(process.env.PYTHON ?? "python3", [script, own, path], { stdio: ["ignore", "ignore", "inherit"] });
    });
}

/** What a model gives with its own weights as float32; made when first asked for. */
export async function expected(model: string): Promise<Result["given"]> {
  const path = join(folder, `${model}.json`);
  await made(path, async (to) => writeFileSync(to, JSON.stringify(await exact(model))));
  return JSON.parse(readFileSync(path, "utf8"));
}

/** The likeliest tokens behind the prompt, or the vectors of the texts. */
async function exact(name: string): Promise<Result["given"]> {
  const gguf = name.endsWith(".gguf") ? name : undefined;
  const model = await loadModel(fromFolder(gguf ? folder : join(folder, name)), { weights: "float32", gguf });
  try {
    if (!model.generates) return (await embed(model, textsOf(4, 32))).map((vector) => [...vector]);
    return likeliest(model.forward([{ tokens: promptOf(32) }]).logits[0]!, 16).map(({ token }) => token);
  } finally {
    model.dispose();
  }
}

/** Writes a file if there is none; one that is not finished has another name. */
async function made(path: string, write: (path: string) => Promise<void>): Promise<void> {
  if (existsSync(path)) return;
  console.error(`writing ${path}`);
  await write(`${path}.part`);
  renameSync(`${path}.part`, path);
}
