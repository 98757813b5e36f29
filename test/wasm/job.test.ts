import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { jobFields } from "../../src/wasm/job.ts";

test("a job is written with the fields that the kernel reads, in the same order", () => {
  const source = readFileSync(new URL("../../assembly/attention/job.ts", import.meta.url), "utf8");
  const declared = [...source.matchAll(/^ {2}(\w+): (usize|i32|f32);$/gm)].map(([, name, type]) => [
    name,
    type === "usize" ? "u32" : type,
  ]);
  expect(Object.entries(jobFields)).toEqual(declared);
});
