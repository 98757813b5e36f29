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
