// vitest: npx vitest run
import { scaledDotProductAttention } from "attnspec/core/scaled-dot-product-attention";
import { conforms } from "attnspec/oracle";
import { expect, test } from "vitest";
import { attention, wrongScale } from "./kernel.mjs";

test("my attention kernel conforms", async () => {
  const verdict = await conforms(scaledDotProductAttention, attention, { cases: 50 });
  expect(verdict.conforms, String(verdict)).toBe(true);
});
test("a wrong scale is found", async () => {
  expect((await conforms(scaledDotProductAttention, wrongScale, { cases: 50 })).conforms).toBe(false);
});
