/** What a page or Worker loads. */
import { build } from "esbuild";
import { expect, test } from "vitest";
import { sizes } from "../../docs/collect/sizes.ts";

const { loader, kernels, models } = await sizes();

test("the entry with everything in it, without a tokenizer, is below 60 kB compressed", () =>
  expect(models.compressed).toBeLessThan(60_000));
test("the engine, all kernels and what calls them, is below 120 kB compressed", () =>
  expect(kernels.compressed + loader.compressed).toBeLessThan(120_000));
test("neither imports anything of Node where a bundler follows it, and the engine nothing of the models", async () => {
  for (const [entry, foreign] of [
    ["src/models.ts", /from ?"node:/],
    ["src/wasm.ts", /from ?"node:|tokenizer/],
  ] as const) {
    const { outputFiles } = await build({
      ...{ entryPoints: [entry], bundle: true, format: "esm", write: false, external: ["@huggingface/*"] },
    });
    expect(outputFiles[0]!.text).not.toMatch(foreign);
  }
});
