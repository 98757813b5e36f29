import { describe, expect, test } from "vitest";
import { random } from "../../src/oracle.ts";
import { type Floats, rotaryFrequencies, rotaryTable } from "../../src/wasm.ts";
import { plain, targets } from "./targets.ts";

const source = random(23);
const drawn = (...shape: number[]): Floats => ({
  shape,
  data: Float32Array.from({ length: shape.reduce((n, length) => n * length, 1) }, () => source.normal()),
});
const table = rotaryTable(12, rotaryFrequencies(6));

for (const { name, runs, kernels } of targets)
  describe.skipIf(!runs)(name, () => {
    test("rows by number, an offset and a table made for the places turn alike", () => {
      const x = drawn(2, 3, 9);
      const rows = { shape: [3], data: Int32Array.of(4, 5, 6) };
      const expected = kernels.rotate(x, rotaryTable([4, 5, 6], rotaryFrequencies(6)));
      expect(kernels.rotate(x, table, { first: 4 })).toEqual(expected);
      expect(kernels.rotate(x, table, { rows })).toEqual(expected);
    });
    test.each(["half", "interleaved"] as const)(
      "tokens may stand on any axis, and x be turned in place: %s",
      (layout) => {
        const x = drawn(2, 3, 9);
        const turned = kernels.rotate(x, table, { layout, first: 1 });
        const swapped = (t: Floats, A: number, B: number): Floats => ({
          shape: [B, A, 9],
          data: t.data.map((_, i) => t.data[((Math.floor(i / 9) % A) * B + Math.floor(i / 9 / A)) * 9 + (i % 9)]!),
        });
        expect(swapped(kernels.rotate(swapped(x, 2, 3), table, { layout, first: 1, axis: 0 }), 3, 2)).toEqual(turned);
        const region = kernels.region();
        const inside = region.tensorOf(x);
        expect(kernels.rotate(inside, table, { layout, first: 1, into: inside }).data).toEqual(turned.data);
        region.release();
      },
    );
  });

test("what does not fit is refused by name", () => {
  const x = drawn(3, 8);
  expect(() => plain.rotate(x, table, { first: 10 })).toThrow(
    "rotate: rows 10 to 12 are needed, but the table has 0 to 11",
  );
  expect(() => plain.rotate(drawn(3, 4), table)).toThrow(
    "rotate: table has shape [12, 3], expected [P, R/2] with R at most D = 4",
  );
  expect(() => plain.rotate(x, table, { rows: { shape: [3], data: Int32Array.of(0, 12, 1) } })).toThrow(
    "rotate: rows holds 12, but the table has rows 0 to 11",
  );
  expect(() => plain.rotate(x, table, { axis: 1 })).toThrow("rotate: axis must be one of the 1 before the last, got 1");
});
