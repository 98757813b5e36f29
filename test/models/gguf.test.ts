/** GGUF files against gguf-py: blocks of each encoding, and a whole model in several of them. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { readSafetensors } from "../../src/io.ts";
import { encodings } from "../../src/models/encodings.ts";
import { fromBuffers, fromFolder, loadModel } from "../../src/models.ts";
import { allowance } from "../../src/oracle/budget.ts";
import { apart } from "./fixtures.ts";

const folder = new URL("./gguf/", import.meta.url);
const bytesOf = (name: string) => new Uint8Array(readFileSync(new URL(name, folder)));
const whole = bytesOf("model.gguf");
const failing = (bytes: Uint8Array) => loadModel(fromBuffers({ "model.gguf": bytes }), { gguf: "model.gguf" });
/** The file with some of its text replaced by as much other text. */
const changed = (from: string, to: string) => {
  const bytes = whole.slice();
  const at = Buffer.from(bytes).indexOf(from);
  expect(at).toBeGreaterThanOrEqual(0);
  bytes.set(new TextEncoder().encode(to), at);
  return bytes;
};

test.each(["Q8_0", "Q4_0", "Q4_K", "Q6_K"])("blocks of %s hold the values that gguf-py reads", (name) => {
  const { tensors } = readSafetensors(bytesOf("blocks.safetensors"));
  const { data } = tensors[`${name}.values`]!;
  const values = new Float32Array(data.length);
  encodings[name]!.decode(tensors[`${name}.bytes`]!.data as Uint8Array, values);
  // One product more or less in float32.
  data.forEach((value, i) => {
    expect(Math.abs(values[i]! - value), `value ${i}`).toBeLessThanOrEqual(Math.abs(value) * 2 ** -22 + 1e-5);
  });
});
test("a model in Q8_0, Q4_0, BF16, F16 and F32 gives the logits of transformers on the decoded weights", async () => {
  const { tensors, metadata } = readSafetensors(bytesOf("expected.safetensors"));
  const options = { gguf: "model.gguf", activations: "float32" } as const;
  const model = await loadModel(fromFolder(fileURLToPath(folder)), options);
  const { logits } = model.forward([{ tokens: [...tensors.ids!.data] }], { logits: "all" });
  const error = (JSON.parse(metadata.float32!) as { logits: number }).logits;
  expect(apart(logits[0]!, tensors.logits!.data)).toBeLessThan(allowance * error);
  expect(model.generation.tokens("eos_token_id")).toEqual([95]);
  const tokenizer = await model.tokenizer();
  expect(tokenizer.encode("AZ")).toEqual([33, 58]);
  expect(tokenizer.decode([33, 58])).toBe("AZ");
  model.dispose();
});
test("what cannot be loaded is named", async () => {
  await expect(loadModel(fromBuffers({}), { gguf: "model.gguf" })).rejects.toThrow("buffers: there is no model.gguf");
  await expect(failing(whole.slice(0, -100))).rejects.toThrow("copy the file again, it is probably cut off");
  await expect(failing(whole.slice(0, 400))).rejects.toThrow(
    "the header reaches beyond the end of the file, 400 bytes",
  );
  await expect(failing(changed("GGUF", "GGML"))).rejects.toThrow("model.gguf: this is no GGUF file");
  await expect(failing(changed("general.architecture", "general.architectura"))).rejects.toThrow(
    "model.gguf: the architecture undefined is not supported in GGUF files; supported are llama, qwen2",
  );
  const version = whole.slice();
  version[4] = 1;
  await expect(failing(version)).rejects.toThrow("model.gguf: GGUF version 1 is not supported; supported are 2 and 3");
});
