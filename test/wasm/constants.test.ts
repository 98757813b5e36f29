/** What becomes of vector constants after the kernels are compiled. */
import binaryen from "assemblyscript/binaryen";
import { expect, test } from "vitest";
import { keepConstants } from "../../scripts/constants.ts";
import { plainBytes, relaxedBytes } from "./targets.ts";

/** `f(n)` adds 1 for each of n rounds of a loop and 2 for each of n² of one inside it, to 4 once; a zero changes nothing. */
const source = `(module
  (func (export "f") (param $n i32) (result f32) (local $sum v128) (local $i i32) (local $j i32)
    (local.set $sum (v128.const f32x4 4 4 4 4))
    (local.set $i (local.get $n))
    (loop $outer
      (local.set $sum (f32x4.add (local.get $sum) (v128.const f32x4 1 1 1 1)))
      (local.set $j (local.get $n))
      (loop $inner
        (local.set $sum (f32x4.add (local.get $sum) (v128.const f32x4 2 2 2 2)))
        (local.set $sum (f32x4.sub (local.get $sum) (v128.const f32x4 0 0 0 0)))
        (local.set $j (i32.sub (local.get $j) (i32.const 1)))
        (br_if $inner (local.get $j)))
      (local.set $i (i32.sub (local.get $i) (i32.const 1)))
      (br_if $outer (local.get $i)))
    (local.set $sum (f32x4.add (local.get $sum) (v128.const f32x4 8 8 8 8)))
    (f32x4.extract_lane 0 (local.get $sum))))`;

function text(bytes: Uint8Array): string {
  const module = binaryen.readBinary(bytes);
  const written = module.emitText();
  module.dispose();
  return written;
}

/** How often something stands in a text. */
const times = (whole: string, part: RegExp): number => whole.match(part)?.length ?? 0;

function compiled(): Uint8Array<ArrayBuffer> {
  const module = binaryen.parseText(source);
  module.setFeatures(binaryen.Features.All);
  const bytes = Uint8Array.from(module.emitBinary());
  module.dispose();
  return bytes;
}

test("those of inner loops are read when the function begins, those around them where they are used", async () => {
  const kept = Uint8Array.from(keepConstants(compiled()));
  for (const bytes of [compiled(), kept]) {
    const { instance } = await WebAssembly.instantiate(bytes);
    expect((instance.exports.f as (n: number) => number)(3)).toBe(4 + 3 + 9 * 2 + 8);
  }
  const [declarations, body] = text(kept).split("\n (func ") as [string, string];
  // 1 and 2; the 4, the 8 and the zeros stay.
  expect(times(declarations, /mut v128/g)).toBe(2);
  expect(times(body, /v128\.const/g)).toBe(3);
  const [before, inner] = body.split("(loop").flatMap((part, i) => (i === 1 ? [] : [part])) as [string, string];
  expect(times(before, /global\.get/g)).toBe(1);
  expect(times(inner, /global\.get/g)).toBe(0);
  expect(times(body, /global\.get/g)).toBe(2);
});
test.each([
  ["simd", plainBytes],
  ["relaxed", relaxedBytes],
])("the kernels of %s keep theirs, and none changes one", (_, bytes) => {
  const module = text(bytes);
  expect(times(module, /\(global \S+ \(mut v128\)/g)).toBeGreaterThan(50);
  const constants = new Set(module.match(/(?<=\(global )\S+(?= \(mut v128\))/g));
  const written = [...module.matchAll(/\(global\.set (\S+)/g)].map(([, name]) => name!);
  expect(written.filter((name) => constants.has(name))).toEqual([]);
});
