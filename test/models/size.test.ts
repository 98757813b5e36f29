/** What a page or Worker loads. */
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { expect, test } from "vitest";

test("the entry with everything in it, without a tokenizer, is below 60 kB compressed", async () => {
  const { outputFiles } = await build({
    entryPoints: ["src/models.ts"],
    bundle: true,
    minify: true,
    format: "esm",
    write: false,
    external: ["@huggingface/*"],
  });
  expect(gzipSync(outputFiles[0]!.contents).length).toBeLessThan(60_000);
  expect(outputFiles[0]!.text).not.toMatch(/from ?"node:/);
});
