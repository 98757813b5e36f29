/** PyTorch's own float32 outputs conform; outputs of kernels with planted bugs do not. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import type { Tensor } from "../../spec/page.ts";
import { load } from "../../src/index.ts";
import { readSafetensors } from "../../src/io/safetensors.ts";
import type { Case } from "../../src/oracle/cases.ts";
import { check } from "../../src/oracle/check.ts";

const folder = fileURLToPath(new URL("../fixtures/torch/", import.meta.url));
const camel = (name: string) => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());

async function judge(path: string) {
  const { tensors, metadata } = readSafetensors(readFileSync(path), path);
  const side = (prefix: string) =>
    Object.fromEntries(
      Object.entries(tensors)
        .filter(([name]) => name.startsWith(prefix))
        .map(([name, t]) => [camel(name.slice(prefix.length)), t as Tensor]),
    );
  const { page } = await load(metadata.page!);
  const options = Object.fromEntries(
    Object.entries(JSON.parse(metadata.options ?? "{}") as Record<string, unknown>).map(([name, value]) => [
      camel(name),
      value,
    ]),
  );
  return check(page, side("in.") as Case["inputs"], options, side("out."));
}
const files = (at: string) => readdirSync(at).filter((name) => name.endsWith(".safetensors"));

describe("PyTorch's own float32 outputs conform", () => {
  for (const file of files(folder))
    test(file, async () => {
      const { conforms, outputs, loose } = await judge(folder + file);
      expect(outputs.map((o) => o.output)).toContain("out");
      expect(loose).toEqual([]);
      expect(conforms, JSON.stringify(outputs)).toBe(true);
      for (const { share } of outputs) expect(share).toBeLessThan(0.5);
    });
});

describe("outputs of kernels with a planted bug do not conform", () => {
  for (const file of files(`${folder}bugs`))
    test(file, async () => {
      const { conforms, outputs } = await judge(`${folder}bugs/${file}`);
      expect(conforms).toBe(false);
      expect(outputs.find((o) => o.output === "out")!.wrong).toBeGreaterThan(0);
    });
});
