import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { alternatives, implementations } from "../../src/pages.ts";

const files = (folder: string) => readdirSync(new URL(folder, import.meta.url));

type Pages = Readonly<Record<string, unknown>>;

test("every family of pages that kernels implement is registered, and judged by a test of its name", async () => {
  const registered = [implementations, ...Object.values(alternatives)] as readonly Pages[];
  const found = new Set<string>();
  const helpers = ["adapt.ts", "arrays.ts", "calls.ts", "projections.ts"];
  for (const file of files("../../src/pages/").filter((name) => !helpers.includes(name))) {
    expect(files(".")).toContain(file.replace(".ts", ".conformance.test.ts"));
    const families = (await import(new URL(`../../src/pages/${file}`, import.meta.url).href)) as object;
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
