import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { implementations as all } from "../../src/pages.ts";
import { alternatives, families, implementations } from "../../src/webgpu/pages.ts";

test("every family of pages on a GPU is judged by a test of its name, and is what other backends run", () => {
  for (const family of Object.keys({ ...families, ...alternatives }))
    expect(existsSync(new URL(`${family}.gpu.ts`, import.meta.url)), family).toBe(true);
  const registered = Object.assign({}, ...Object.values(families)) as Record<string, unknown>;
  expect(registered).toEqual(implementations);
  for (const [id, implementation] of Object.entries(registered))
    expect(all[id as keyof typeof all], id).toBe(implementation);
});
