import { readFileSync } from "node:fs";
import { join } from "node:path";
import { inflateSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { colour, palette } from "../../docs/picture/colour.ts";
import { blank, type Grid, places } from "../../docs/picture/figure.ts";
import { picture } from "../../docs/picture/picture.ts";
import { png } from "../../docs/picture/png.ts";
import { sentenceOf } from "../../docs/picture/sentence.ts";
import { root } from "../../scripts/pages.ts";
import { load } from "../../src/index.ts";

const sentence = sentenceOf(readFileSync(join(root, "src/cli/tour-data/minilm-layer.safetensors")));
const grid = (rows: number, columns: number, values: readonly number[]): Grid => ({
  title: "",
  rows,
  columns,
  values,
  down: "",
  across: "",
});
const drawn = async (id: string, choices = {}) => picture((await load(id)).page, sentence, choices)!;
const rows = ({ rows: n, columns, values }: Grid) =>
  Array.from({ length: n }, (_, r) => values.slice(r * columns, (r + 1) * columns));

describe("the picture of", () => {
  test("attention is its map: rows of weights that sum to one", async () => {
    const { figure } = await drawn("core/scaled-dot-product-attention");
    expect(figure.kind).toBe("weights");
    for (const row of rows(figure.grids[0]!)) expect(row.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12);
  });
  test("a layer is the map within, one for each head", async () => {
    const { figure } = await drawn("core/multi-head-attention");
    expect(figure.grids).toHaveLength(3);
    for (const row of rows(figure.grids[1]!)) expect(row.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 8);
  });
  test("a window shows the window, though it is off by default", async () => {
    const { figure, options } = await drawn("sparse/sliding-window-attention");
    expect(options).toEqual({ window: 5 });
    expect(rows(figure.grids[0]!).map((row) => row.filter(Boolean).length)).toEqual(
      sentence.words.map((_, t) => Math.min(t + 1, 5)),
    );
  });
  test("a position encoding is what positions alone make alike", async () => {
    const { figure } = await drawn("positional/rotary-position-embedding");
    expect(figure.kind).toBe("places");
    const [first, second] = rows(figure.grids[0]!);
    expect(second!.slice(1)).toEqual(first!.slice(0, -1).map((v) => expect.closeTo(v, 9)));
  });
  test("a mixer that is not linear in values is the influence of tokens, as shares", async () => {
    const { figure } = await drawn("spectral/fnet-fourier-mixing");
    expect(figure.kind).toBe("influence");
    for (const row of rows(figure.grids[0]!)) expect(row.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 9);
  });
  test("a layer over an image is what reaches a few of its places", async () =>
    expect((await drawn("spectral/spectral-gating-network")).figure.kind).toBe("field"));
  test("follows the options and sizes chosen", async () => {
    const { figure } = await drawn("core/scaled-dot-product-attention", {
      options: { causal: true },
      sizes: { Tq: 4, Tk: 4 },
      exact: true,
    });
    expect(rows(figure.grids[0]!).map((row) => row.map(Boolean))).toEqual(
      [0, 1, 2, 3].map((t) => [0, 1, 2, 3].map((s) => s <= t)),
    );
  });
});

describe("colours", () => {
  test("grow evenly lighter or darker along a ramp", () => {
    for (const theme of ["light", "dark"] as const) {
      const light = palette(theme, "size").map(
        ([r, g, b]) => 0.2126 * r ** 2.2 + 0.7152 * g ** 2.2 + 0.0722 * b ** 2.2,
      );
      const sign = theme === "light" ? -1 : 1;
      expect(light.every((v, i) => i === 0 || sign * (v - light[i - 1]!) >= -40)).toBe(true);
    }
  });
  test("put zero in the middle of signed numbers, and at the start of others", () => {
    expect(places(grid(1, 3, [-2, 0, 4]))).toMatchObject({ ramp: "signed", at: [0.25, 0.5, 1], low: -4, high: 4 });
    expect(places(grid(1, 3, [0, 1, 4]))).toMatchObject({ ramp: "size", at: [0, 0.25, 1], low: 0, high: 4 });
    expect(places(grid(1, 3, [0.9, 1, 0.95])).low).toBe(0.9);
  });
  test("call blank what shows nothing", () =>
    expect(
      [
        [1, 1],
        [0, 0],
        [0, 1],
      ].map((values) => blank(grid(1, 2, values))),
    ).toEqual([true, true, false]));
});

test("a PNG holds the colours of its values", () => {
  const bytes = png(grid(2, 2, [0, 1, 1, 0]), "light");
  const find = (type: string) => {
    const at = bytes.indexOf(type, 0, "latin1");
    return bytes.subarray(at + 4, at + 4 + bytes.readUInt32BE(at - 4));
  };
  expect([...find("IHDR")]).toEqual([0, 0, 0, 2, 0, 0, 0, 2, 8, 3, 0, 0, 0]);
  expect([...find("PLTE")]).toEqual([...colour("light", "size", 0), ...colour("light", "size", 1)]);
  expect([...inflateSync(find("IDAT"))]).toEqual([0, 0, 1, 0, 1, 0]);
});
