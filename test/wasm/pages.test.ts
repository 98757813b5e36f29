import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { alternatives, implementations } from "../../src/wasm/pages.ts";

const files = (folder: string) => readdirSync(new URL(folder, import.meta.url));

type Pages = Readonly<Record<string, unknown>>;

test("every family of pages that kernels implement is registered, and judged by a test of its name", async () => {
  const registered = [implementations, ...Object.values(alternatives)] as readonly Pages[];
  const found = new Set<string>();
  for (const file of files("../../src/wasm/pages/").filter((name) => !["adapt.ts", "arrays.ts"].includes(name))) {
    expect(files(".")).toContain(file.replace(".ts", ".conformance.test.ts"));
    const families = (await import(new URL(`../../src/wasm/pages/${file}`, import.meta.url).href)) as object;
    for (const [id, implementation] of Object.values(families).flatMap((pages: Pages) => Object.entries(pages))) {
      expect(
        registered.some((pages) => pages[id] === implementation),
        `${id} of ${file}`,
      ).toBe(true);
      found.add(id);
    }
  }
  expect(Object.keys(implementations).sort()).toEqual([...found].sort());
});
