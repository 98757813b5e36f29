// jest: NODE_OPTIONS=--experimental-vm-modules npx jest
import { expect, test } from "@jest/globals";
import { scaledDotProductAttention } from "attnspec/core/scaled-dot-product-attention";
import { conforms } from "attnspec/oracle";
import { attention, wrongScale } from "./kernel.mjs";

test("my attention kernel conforms", async () => {
  const verdict = await conforms(scaledDotProductAttention, attention, { cases: 50 });
  if (!verdict.conforms) throw new Error(String(verdict));
});
test("a wrong scale is found", async () => {
  expect((await conforms(scaledDotProductAttention, wrongScale, { cases: 50 })).conforms).toBe(false);
});
