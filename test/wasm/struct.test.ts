import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import "../../src/wasm.ts";
import { structs } from "../../src/wasm/struct.ts";

describe.each(structs)("a description of $source", ({ source, fields }) => {
  test("is written with the fields that the kernel reads, in the same order", () => {
    const text = readFileSync(new URL(`../../assembly/${source}`, import.meta.url), "utf8");
    const declared = [...text.matchAll(/^ {2}(\w+): (usize|i32|f32);$/gm)].map(([, name, type]) => [
      name,
      type === "usize" ? "u32" : type,
    ]);
    expect(Object.entries(fields)).toEqual(declared);
  });
});
