import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { alternatives } from "../../src/pages.ts";
import { calls } from "../../src/webgpu/calls.ts";
import { families, implementations } from "../../src/webgpu/pages.ts";

test("every family of pages on a GPU is judged by a test of its name", () => {
  for (const family of Object.keys({ ...families, ...alternatives }))
    expect(existsSync(new URL(`${family}.gpu.ts`, import.meta.url)), family).toBe(true);
  expect(Object.keys(implementations)).toContain("core/flash-attention");
});

test("the family that is left out needs what the GPU has not", () => {
  expect(calls).not.toHaveProperty("fourier");
  expect(calls).not.toHaveProperty("longConvolution");
});
