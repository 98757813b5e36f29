import { expect, test } from "vitest";
import { embed, fromFolder, loadModel } from "../../src/models.ts";
import { apart, expected, pathOf } from "./fixtures.ts";

const { tensors, ids, budget } = expected("bert");
const width = tensors.out!.length / ids.length;
const rows = ids.map((_, t) => tensors.out!.slice(t * width, (t + 1) * width));
const using = async (body: (model: Awaited<ReturnType<typeof loadModel>>) => Promise<void>) => {
  const model = await loadModel(fromFolder(pathOf("bert")));
  await body(model);
  model.dispose();
};

test("the mean over the tokens, the first or the last of them", () =>
  using(async (model) => {
    const mean = rows[0]!.map((_, i) => rows.reduce((sum, row) => sum + row[i]!, 0) / rows.length);
    for (const [pooling, wanted] of [
      ["mean", mean],
      ["cls", rows[0]!],
      ["last", rows.at(-1)!],
    ] as const) {
      const [vector] = await embed(model, [ids], { pooling, normalize: false });
      expect(apart(vector!, wanted), pooling).toBeLessThan(budget("out"));
    }
  }));
test("length 1 by default", () =>
  using(async (model) => {
    const [plain] = await embed(model, [ids], { normalize: false });
    const [vector] = await embed(model, [ids]);
    expect(Math.hypot(...vector!)).toBeCloseTo(1, 6);
    const length = Math.hypot(...plain!);
    expect(
      apart(
        vector!,
        Array.from(plain!, (value) => value / length),
      ),
    ).toBeLessThan(1e-6);
  }));
test("many texts in passes of any size are as they are alone, in order", () =>
  using(async (model) => {
    const texts = [3, 18, 1, 7, 12, 5].map((count) => ids.slice(0, count));
    for (const batch of [1, 20, 2048]) {
      const together = await embed(model, texts, { batch });
      for (const [i, text] of texts.entries())
        expect(apart(together[i]!, (await embed(model, [text]))[0]!)).toBeLessThan(budget("out"));
    }
  }));
test("texts that do not fit and unknown poolings are refused by name", () =>
  using(async (model) => {
    await expect(embed(model, [ids, []])).rejects.toThrow("text 1: it has 0 tokens, expected 1 to 128");
    await expect(embed(model, [new Array(129).fill(1)])).rejects.toThrow("text 0: it has 129 tokens");
    await expect(embed(model, [ids], { pooling: "max" as "mean" })).rejects.toThrow(
      "pooling: must be mean, cls or last",
    );
    await expect(embed(model, 3 as never)).rejects.toThrow("texts: must be an array of texts or of tokens, got number");
    await expect(embed(model, ["a text"])).rejects.toThrow("there is no tokenizer.json");
  }));
