/** The commands about models. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { embed } from "../../src/cli/commands/embed.ts";
import { generate } from "../../src/cli/commands/generate.ts";
import { quantize } from "../../src/cli/commands/quantize.ts";
import { embedded, loadModel, generate as write } from "../../src/models.ts";
import { pathOf } from "../models/fixtures.ts";
import { attnspec, printed, temporary } from "./support.ts";

const folder = temporary();

test("generate streams text to stdout and the speed to stderr", { timeout: 60_000 }, async () => {
  const args = ["--prompt", "And God said", "--max-tokens", "12", "--temperature", "0.8", "--seed", "3"];
  const { code, stdout, stderr } = await attnspec(["generate", ...args]);
  const model = await loadModel(embedded());
  let text = "";
  for await (const piece of write(model, "And God said", { maxTokens: 12, temperature: 0.8, seed: 3 }))
    text += piece.text;
  model.dispose();
  expect({ code, stdout }).toEqual({ code: 0, stdout: `${text}\n` });
  expect(stderr).toMatch(/^first token after [\d.]+ s, then 11 tokens in [\d.]+ s, [\d.]+ tokens\/s\n$/);
});
test("generate --json gives a line for each token", async () => {
  const { text } = await printed(generate, "--prompt", "The", "--max-tokens", "5", "--json");
  const pieces = text.split("\n").map((line) => JSON.parse(line) as { token: number; finish?: string });
  expect(pieces).toHaveLength(5);
  expect(pieces.at(-1)!.finish).toBe("length");
});
test("generate --window writes on beyond the context, seeing the first tokens and the last ones", async () => {
  const args = ["--prompt", "And God said", "--max-tokens", "300", "--window", "24", "--sinks", "2", "--json"];
  const { text } = await printed(generate, ...args);
  const tokens = text.split("\n").map((line) => (JSON.parse(line) as { token: number }).token);
  const model = await loadModel(embedded());
  const wanted: number[] = [];
  for await (const piece of write(model, "And God said", { maxTokens: 300, window: 24, sinks: 2 }))
    wanted.push(piece.token);
  expect(model.plan.context).toBeLessThan(300);
  model.dispose();
  expect(tokens).toEqual(wanted);
});
test("embed prints a vector of length 1 for each text", async () => {
  const { text } = await printed(embed, "one", "two words");
  const vectors = text.split("\n").map((line) => line.split(" ").map(Number));
  expect(vectors.map(({ length }) => length)).toEqual([128, 128]);
  for (const vector of vectors) expect(Math.hypot(...vector)).toBeCloseTo(1, 5);
  expect(JSON.parse((await printed(embed, "one", "--json")).text)[0]).toHaveLength(128);
});
test("quantize writes a folder that loads", async () => {
  const output = join(folder, "small");
  expect((await printed(quantize, "--model", pathOf("llama"), "--output", output, "--encoding", "Q4_0")).code).toBe(0);
  expect(readdirSync(output).sort()).toEqual(["config.json", "generation_config.json", "model.safetensors"]);
  await expect(generate(["--model", output, "--prompt", "x"])).rejects.toThrow("there is no tokenizer.json");
});
test("what is wrong with the flags or the model is one line", { timeout: 60_000 }, async () => {
  await expect(generate([])).rejects.toThrow("--prompt is missing: the text to write on from");
  await expect(generate(["--prompt", "x", "--top-k", "many"])).rejects.toThrow("--top-k must be a number, got many");
  for (const [flags, message] of [
    [["--window", "wide"], "--window must be a number, got wide"],
    [["--window", "0"], "window: must be a whole number ≥ 1, got 0"],
    [["--window", "300"], "window: 4 + 300 tokens are more than the context of 256; give less"],
    [["--window", "8", "--sinks", "1.5"], "sinks: must be a whole number ≥ 0, got 1.5"],
    [["--sinks", "4"], "sinks: 4 are kept beside a window; give window too"],
  ] as const)
    await expect(generate(["--prompt", "x", ...flags])).rejects.toThrow(message);
  await expect(embed([])).rejects.toThrow("embed needs at least one text");
  await expect(quantize(["--model", "x", "--output", "./x"])).rejects.toThrow("--output must be another folder");
  const { code, stderr } = await attnspec(["generate", "--model", "/nowhere", "--prompt", "x"]);
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: "attnspec: /nowhere: there is no config.json; name the folder that holds it, or a GGUF file\n",
  });
});
