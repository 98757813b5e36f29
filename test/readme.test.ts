/** What the README shows is what there is. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { attention, wrongScale } from "../docs/examples/kernel.mjs";
import { scaledDotProductAttention } from "../spec/core/scaled-dot-product-attention.ts";
import { run, tensorOf } from "../src/index.ts";
import { conforms } from "../src/oracle/conforms.ts";

const at = (path: string) => readFileSync(fileURLToPath(new URL(`../${path}`, import.meta.url)), "utf8");
const blocks = [...at("README.md").matchAll(/```(\w*)\n([\s\S]*?)```/g)].map(([, language = "", text = ""]) => ({
  language,
  text,
}));
const plain = (text: string) =>
  text
    .replace(/\s+/g, "")
    .replace(/,([)}])/g, "$1")
    .replace(/;}/g, "}");

describe("the README", () => {
  test("quotes the page as it stands", () => {
    const body = blocks.find((block) => block.language === "ts")!.text;
    expect(plain(at("spec/core/scaled-dot-product-attention.ts"))).toContain(plain(body));
  });
  test("shows the verdict that the example gets", async () => {
    const verdict = String(await conforms(scaledDotProductAttention, wrongScale as never));
    const shown = blocks.find((block) => block.text.includes("does not conform"))!.text.trim();
    expect(verdict.startsWith(shown)).toBe(true);
    expect((await conforms(scaledDotProductAttention, attention as never)).conforms).toBe(true);
  });
  test("computes what it says it computes", async () => {
    const [q, k, v] = [
      [[1, 0]],
      [
        [1, 0],
        [0, 1],
      ],
      [[1], [2]],
    ].map(tensorOf);
    const { out } = await run("core/scaled-dot-product-attention", { q, k, v }, { causal: true });
    expect(out).toMatchObject({ shape: [1, 1], data: expect.any(Float64Array) });
  });
  test("quotes the refusal as it reads", async () => {
    const [q, k] = [tensorOf([[1, 2, 3, 4]]), tensorOf(Array.from({ length: 5 }, () => [1, 2, 3]))];
    const message = /`(core\/scaled-dot-product-attention: k has[^`]*)`/.exec(at("README.md"))![1];
    await expect(run("core/scaled-dot-product-attention", { q, k, v: k })).rejects.toThrow(message!);
  });
});
