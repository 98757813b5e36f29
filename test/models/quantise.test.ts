import { expect, test } from "vitest";
import { encodings } from "../../src/models/encodings.ts";
import { toQ4_0, toQ8_0 } from "../../src/models/gguf-blocks.ts";
import { fromBuffers, fromFolder, loadModel, quantise } from "../../src/models.ts";
import { bytesOf, expected, pathOf } from "./fixtures.ts";

const values = Float32Array.from({ length: 320 }, (_, i) => Math.sin(i * i) * 2 ** ((i % 96) / 32));

test.each([
  ["Q8_0", toQ8_0, 0.5 / 127],
  ["Q4_0", toQ4_0, 0.5 / 8],
] as const)("%s keeps each value within half a step of its block's scale", (name, encode, step) => {
  const decoded = new Float32Array(values.length);
  encodings[name]!.decode(encode(values), decoded);
  for (let block = 0; block < values.length; block += 32) {
    const own = values.subarray(block, block + 32);
    const top = Math.max(...own.map(Math.abs));
    own.forEach((value, i) => {
      // The scale is a float16; the end of Q4_0 opposite to its largest value is one step short.
      const short = name === "Q4_0" && Math.abs(value) > (7 / 8) * top ? 1 : 0;
      const most = top * (step + 2 ** -11 + (short * 1) / 8);
      expect(Math.abs(decoded[block + i]! - value), `value ${block + i}`).toBeLessThanOrEqual(most);
    });
  }
});
test("zeros stay zeros", () => {
  for (const [name, encode] of [
    ["Q8_0", toQ8_0],
    ["Q4_0", toQ4_0],
  ] as const) {
    const decoded = new Float32Array(32).fill(1);
    encodings[name]!.decode(encode(new Float32Array(32)), decoded);
    expect(decoded.every((value) => value === 0)).toBe(true);
  }
});
test("a quantised model is loaded like any other, smaller, and near the one it was made of", async () => {
  const { ids, tensors } = expected("llama");
  const config = bytesOf("llama/config.json");
  const sizes: number[] = [];
  const errors: number[] = [];
  for (const encoding of ["Q8_0", "Q4_0"] as const) {
    const bytes = await quantise(fromFolder(pathOf("llama")), { encoding });
    sizes.push(bytes.length);
    const model = await loadModel(fromBuffers({ "config.json": config, "model.safetensors": bytes }));
    const logits = model.forward([{ tokens: ids }], { logits: "all" }).logits[0]!;
    errors.push(
      Math.sqrt(logits.reduce((sum, logit, i) => sum + (logit - tensors.logits![i]!) ** 2, 0) / logits.length),
    );
    model.dispose();
  }
  const spread = Math.sqrt(tensors.logits!.reduce((sum, logit) => sum + logit ** 2, 0) / tensors.logits!.length);
  expect(sizes[1]).toBeLessThan(sizes[0]!);
  expect(errors[0]! / spread).toBeLessThan(errors[1]! / spread);
  expect(errors[1]! / spread).toBeLessThan(1);
});
test("an encoding that there is not is refused", async () => {
  await expect(quantise(fromFolder(pathOf("llama")), { encoding: "Q2_K" as "Q4_0" })).rejects.toThrow(
    "encoding: must be Q8_0 or Q4_0, got Q2_K",
  );
});
