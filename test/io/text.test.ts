import fc from "fast-check";
import { expect, test } from "vitest";
import { compareCodePoints } from "../../src/io/text.ts";

test("texts are ordered like their UTF-8 bytes", () => {
  const text = fc.array(fc.constantFrom("a", "é", "\u{e000}", "\uffff", "\u{10000}", "\u{10001}", "\u{10ffff}"));
  fc.assert(
    fc.property(text, text, (left, right) => {
      const [first, second] = [left.join(""), right.join("")];
      const byBytes = Buffer.compare(Buffer.from(first), Buffer.from(second));
      expect(Math.sign(compareCodePoints(first, second))).toBe(byBytes);
    }),
  );
});
