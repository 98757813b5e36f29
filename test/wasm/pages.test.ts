import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { implementations } from "../../src/wasm/pages.ts";

const files = (folder: string) => readdirSync(new URL(folder, import.meta.url));

test("every family of pages that kernels implement is registered, and judged by a test of its name", async () => {
  const families = files("../../src/wasm/pages/").filter((file) => !["adapt.ts", "arrays.ts"].includes(file));
  const registered = await Promise.all(
    families.map(async (file) =>
      Object.values((await import(new URL(`../../src/wasm/pages/${file}`, import.meta.url).href)) as object).flatMap(
        Object.keys,
      ),
    ),
  );
  expect(Object.keys(implementations).sort()).toEqual(registered.flat().sort());
  for (const file of families) expect(files(".")).toContain(file.replace(".ts", ".conformance.test.ts"));
});
