import fc from "fast-check";
import { expect, test } from "vitest";
import { TextStream } from "../../src/models/text-stream.ts";

/** A tokenizer of single bytes. */
const decode = (tokens: readonly number[]) => new TextDecoder().decode(Uint8Array.from(tokens));
const bytes = (text: string) => [...new TextEncoder().encode(text)];
const streamed = (text: string, stops: string[] = []) => {
  const stream = new TextStream(decode, stops);
  const pieces: string[] = [];
  for (const byte of bytes(text)) {
    if (stream.stopped) break;
    pieces.push(stream.push(byte));
  }
  pieces.push(stream.flush());
  return { pieces, text: pieces.join(""), stopped: stream.stopped };
};

test("characters of several bytes come out whole, as soon as they are complete", () => {
  expect(streamed("aé€😀b").pieces).toEqual(["a", "", "é", "", "", "€", "", "", "", "😀", "b", ""]);
});
test("any text comes out as it is, in whole characters", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      const { pieces, text: all } = streamed(text);
      expect(all).toBe(text);
      for (const piece of pieces) expect(piece).not.toMatch(/\p{Surrogate}/u);
    }),
  );
});
test("a character that is cut off at the end comes out as what the decoder puts for it", () => {
  const stream = new TextStream(decode);
  expect(stream.push(0xe2) + stream.push(0x82) + stream.flush()).toBe("\uFFFD");
});
test("nothing of a stop string comes out, and what only begins like one does", () => {
  expect(streamed("one STOP two", ["STOP"])).toMatchObject({ text: "one ", stopped: true });
  expect(streamed("one STO two ST", ["STOP"])).toMatchObject({ text: "one STO two ST", stopped: false });
  expect(streamed("abcabd", ["abd"])).toMatchObject({ text: "abc", stopped: true });
  expect(streamed("x😀y", ["😀"])).toMatchObject({ text: "x", stopped: true });
});
test("the first of several stop strings counts", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom("a", "b") }), (text) => {
      const stops = ["abb", "ba"];
      const places = stops.map((stop) => text.indexOf(stop)).filter((at) => at >= 0);
      const wanted = places.length ? text.slice(0, Math.min(...places)) : text;
      expect(streamed(text, stops).text).toBe(wanted);
    }),
  );
});
test("tokens may end and begin within characters", () => {
  const pieces = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 40 });
  const text = fc.string({ unit: fc.constantFrom("a", " ", "é", "€", "😀", "\uFFFD"), minLength: 1 });
  fc.assert(
    fc.property(text, pieces, (whole, sizes) => {
      const tokens: number[][] = [];
      for (let rest = bytes(whole), i = 0; rest.length; i++) tokens.push(rest.splice(0, sizes[i % sizes.length]));
      const stream = new TextStream((of) => decode(of.flatMap((token) => tokens[token]!)));
      let [out, read] = ["", 0];
      tokens.forEach((token, i) => {
        read += token.length;
        out += stream.push(i);
        expect(out).not.toMatch(/[\uD800-\uDBFF]$/);
        expect(whole.startsWith(out)).toBe(true);
        // Held back is at most the character that is not complete, or one that looks like it.
        const complete = decode(Array.from({ length: i + 1 }, (_, t) => t).flatMap((t) => tokens[t]!));
        expect(out.length).toBeGreaterThanOrEqual(complete.replace(/\uFFFD+$/, "").length);
      });
      expect(out + stream.flush()).toBe(whole);
      expect(read).toBe(bytes(whole).length);
    }),
  );
});
test("bytes that are no characters come out as what the decoder puts for them, and spoil none behind them", () => {
  const stream = new TextStream(decode);
  const all = [0x80, 0x80, 0x80, 0xf0, 0x9f, 0x98, 0x80, 0x41];
  expect(all.map((byte) => stream.push(byte)).join("") + stream.flush()).toBe("\uFFFD\uFFFD\uFFFD😀A");
  const long = new TextStream(decode);
  const pieces = Array.from({ length: 20 }, () => long.push(0x80));
  expect(pieces.join("").length).toBeGreaterThanOrEqual(17);
  expect(pieces.join("") + long.flush()).toBe("\uFFFD".repeat(20));
});
