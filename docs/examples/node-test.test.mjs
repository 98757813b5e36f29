// Node's own runner: node --test
import assert from "node:assert/strict";
import { test } from "node:test";
import { scaledDotProductAttention } from "attnspec/core/scaled-dot-product-attention";
import { conforms } from "attnspec/oracle";
import { attention, wrongScale } from "./kernel.mjs";

test("my attention kernel conforms", async () => {
  const verdict = await conforms(scaledDotProductAttention, attention, { cases: 50 });
  assert.ok(verdict.conforms, String(verdict));
});
test("a wrong scale is found", async () => {
  const verdict = await conforms(scaledDotProductAttention, wrongScale, { cases: 50 });
  assert.equal(verdict.conforms, false);
  assert.match(String(verdict), /smallest failing input/);
});
