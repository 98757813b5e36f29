import { describe, expect, test } from "vitest";
import { random } from "../../src/oracle.ts";
import { floatOf, halfOf } from "../../src/wasm/quantise.ts";
import { dequantise, dots, type Floats, type Format, load, type Quantised, quantise } from "../../src/wasm.ts";
import { plain, plainBytes, relaxedBytes, targets } from "./targets.ts";

const source = random(29);
const drawn = (...shape: number[]): Floats => ({
  shape,
  data: Float32Array.from({ length: shape.reduce((n, length) => n * length, 1) }, () => source.normal()),
});
const formats: readonly Format[] = ["int8", "q8_0", "q4_0"];
const unit = 2 ** -24;

/** Whole numbers and scales of one row of activations, as the documentation of `project` has them. */
function rounded(x: Float32Array, width: number): { numbers: number[]; scales: number[] } {
  const scales: number[] = [];
  const numbers: number[] = [];
  for (let from = 0; from < x.length; from += width) {
    const group = x.subarray(from, from + width);
    const largest = Math.max(...group.map(Math.abs));
    const tiny = largest < 2 ** -120;
    const inverse = tiny ? 0 : Math.fround(127 / largest);
    scales.push(tiny ? 0 : Math.fround(largest / 127));
    for (const value of group) {
      const scaled = Math.fround(value * inverse);
      const up = Math.round(scaled);
      numbers.push(up - scaled === 0.5 && up % 2 !== 0 ? up - 1 : up);
    }
  }
  return { numbers, scales };
}

/** The numbers that quantised weights consist of, and their scales; from the bytes of a file, in its own words. */
function read({ shape, format, data, scales }: Quantised): { numbers: number[]; scales: number[]; width: number } {
  const signed = new Int8Array(data.buffer, data.byteOffset, data.length);
  if (format === "int8") return { numbers: [...signed], scales: [...scales!], width: shape[1]! };
  const step = format === "q8_0" ? 34 : 18;
  const blocks = Array.from({ length: data.length / step }, (_, b) => b * step);
  return {
    width: 32,
    scales: blocks.map((at) => floatOf(data[at]! + 256 * data[at + 1]!)),
    numbers: blocks.flatMap((at) =>
      format === "q8_0"
        ? [...signed.subarray(at + 2, at + 34)]
        : [
            ...[...data.subarray(at + 2, at + 18)].map((byte) => byte % 16),
            ...[...data.subarray(at + 2, at + 18)].map((byte) => byte >> 4),
          ].map((n) => n - 8),
    ),
  };
}

/** The product over whole numbers: exact sums, then float32 in the order of the blocks; and what the scaling may lose. */
function exactly(x: Float32Array, weights: Quantised, row: number, bias: number) {
  const K = weights.shape[1]!;
  const w = read(weights);
  const a = rounded(x, w.width);
  let [inFloat32, exact, size] = [0, bias, Math.abs(bias)];
  const groups = Math.ceil(K / w.width);
  for (let g = 0; g < groups; g++) {
    let sum = 0;
    for (let d = g * w.width; d < Math.min((g + 1) * w.width, K); d++) sum += a.numbers[d]! * w.numbers[row * K + d]!;
    const scale = w.scales[row * groups + g]!;
    inFloat32 = Math.fround(inFloat32 + Math.fround(Math.fround(sum) * Math.fround(scale * a.scales[g]!)));
    exact += sum * scale * a.scales[g]!;
    size += Math.abs(sum * scale * a.scales[g]!);
  }
  // Each group rounds its sum, its scale, their product and the total, and the bias once more.
  return { inFloat32: Math.fround(inFloat32 + bias), exact, allowed: (groups + 4) * unit * size };
}

/** The relaxed kernels once more, without the engine's dot product where the others have it. */
const [, relaxed] = targets as readonly [unknown, (typeof targets)[number]];
const hasDots = relaxed.runs && relaxed.kernels.dots !== "wide";
const wide = hasDots ? await load({ bytes: relaxedBytes, poison: true, dots: "wide" }) : plain;

for (const { name, runs, kernels } of [...targets, { name: "relaxed, dots wide", runs: hasDots, kernels: wide }])
  describe.skipIf(!runs)(`${name} (dots ${kernels.dots})`, () => {
    describe.each(formats)("%s", (format) => {
      const sizes = (of: (M: number, N: number, K: number) => void) => {
        const depths = format === "int8" ? [1, 3, 31, 32, 33, 70, 259] : [32, 64, 96, 288];
        for (const K of depths) for (const N of [1, 3, 4, 5, 9]) for (const M of [1, 3, 4, 6, 9]) of(M, N, K);
        of(67, 517, 288);
        of(1, 517, 1056);
      };
      const each = (
        M: number,
        N: number,
        K: number,
        whole: boolean,
        judge: (at: string, y: number, m: number, n: number, x: Floats, w: Quantised, bias: Floats | undefined) => void,
      ) => {
        const [x, w] = [drawn(M, K), quantise(drawn(N, K), format)];
        const bias = (M + N) % 2 ? drawn(N) : undefined;
        const y = kernels.project(x, w, { bias, activations: whole ? "int8" : "float32" });
        expect(y.shape).toEqual([M, N]);
        // Of large products some rows and columns stand for all.
        for (let m = 0; m < M; m += M > 9 ? 22 : 1)
          for (let n = 0; n < N; n += N > 9 ? 129 : 1)
            judge(`${M} × ${K} × ${N} at ${m}, ${n}`, y.data[m * N + n]!, m, n, x, w, bias);
      };
      test("float32 activations: the product of the weights that the bytes stand for", () => {
        sizes((M, N, K) => {
          let [before, values]: [Quantised | undefined, Float32Array] = [undefined, new Float32Array()];
          each(M, N, K, false, (at, y, m, n, x, w, bias) => {
            if (before !== w) [before, values] = [w, dequantise(w).data];
            let exact = bias?.data[n] ?? 0;
            let size = Math.abs(exact);
            for (let d = 0; d < K; d++) {
              exact += x.data[m * K + d]! * values[n * K + d]!;
              size += Math.abs(x.data[m * K + d]! * values[n * K + d]!);
            }
            // K products and sums, one more of each a block, the scale and the bias round once.
            expect(Math.abs(y - exact), at).toBeLessThanOrEqual((K + K / 16 + 5) * unit * size);
          });
        });
      });
      test("packed row by row, or some columns at a time, they are the same; rows of them are their rows", () => {
        const region = kernels.region();
        const w = quantise(drawn(10, 96), format);
        const whole = kernels.pack(w, region);
        const own = w.data.length / 10;
        const pieces = kernels.packing([10, 96], format, region);
        if (w.scales) pieces.scales.data.set(w.scales);
        pieces.write(4, w.data.subarray(4 * own, 8 * own));
        pieces.write(0, w.data.subarray(0, 4 * own));
        pieces.write(8, w.data.subarray(8 * own));
        // Three times four rows, of int8 with their scales.
        expect(whole.bytes).toBe({ int8: 3 * 4 * (96 + 4), q8_0: 3 * 4 * 3 * 34, q4_0: 3 * 4 * 3 * 18 }[format]);
        const x = drawn(5, 96);
        expect(kernels.project(x, pieces.weights)).toEqual(kernels.project(x, whole));
        const values = dequantise(w);
        const row = new Float32Array(96);
        for (let n = 0; n < 10; n++) {
          pieces.weights.readRow(n, row);
          expect(Array.from(row, (value) => value + 0)).toEqual(
            Array.from(values.data.subarray(n * 96, (n + 1) * 96), (value) => value + 0),
          );
        }
        expect(() => whole.readRow(10, row)).toThrow("row must be a whole number from 0 to 9, got 10");
        expect(() => pieces.write(2, w.data.subarray(0, own))).toThrow("from row 2 on are no rows of");
        const some = kernels.project(x, whole.rows(4, 5));
        const all = kernels.project(x, whole).data;
        some.data.forEach((value, i) => {
          expect(value).toBe(all[Math.floor(i / 5) * 10 + 4 + (i % 5)]);
        });
        const last = whole.rows(4, 6).rows(4, 2);
        last.readRow(1, row);
        expect(Array.from(row, (value) => value + 0)).toEqual(
          Array.from(values.data.subarray(9 * 96), (value) => value + 0),
        );
        expect(kernels.project(x, last, { activations: "int8" }).data[0]).toBe(
          kernels.project(x, whole, { activations: "int8" }).data[8],
        );
        expect(() => whole.rows(2, 4)).toThrow("first must be a multiple of 4, got 2");
        expect(() => whole.rows(8, 3)).toThrow("count must be 1 to 2, got 3");
        if (format !== "int8") {
          const columns = kernels.packing([10, 96], format, region);
          const block = own / 3;
          for (const first of [64, 0, 32]) {
            const part = Uint8Array.from({ length: 10 * block }, (_, i) => {
              const [n, byte] = [Math.floor(i / block), i % block];
              return w.data[n * own + (first / 32) * block + byte]!;
            });
            columns.write(0, part, first, 32);
          }
          expect(kernels.project(x, columns.weights)).toEqual(kernels.project(x, whole));
          expect(() => columns.write(0, w.data.subarray(0, 4 * block), 16, 32)).toThrow(
            "are no whole blocks of 32 of 96",
          );
        }
        region.release();
        expect(() => whole.readRow(0, row)).toThrow("is released");
      });
      test("int8 activations: exact sums of whole numbers, and only the scaling rounds", () => {
        sizes((M, N, K) =>
          each(M, N, K, true, (at, y, m, n, x, w, bias) => {
            const { inFloat32, exact, allowed } = exactly(
              x.data.subarray(m * K, (m + 1) * K),
              w,
              n,
              bias?.data[n] ?? 0,
            );
            if (format === "int8" || kernels.target === "simd") expect(y, at).toBe(inFloat32);
            expect(Math.abs(y - exact), at).toBeLessThanOrEqual(allowed);
          }),
        );
      });
      test("the extremes of every byte, with the largest activations of both signs, do not overflow", () => {
        const K = format === "int8" ? 2 ** 17 : 2 ** 10;
        for (const byte of format === "q4_0" ? [0x00, 0xff, 0x0f, 0xf0] : [0x80, 0x7f])
          for (const M of [1, 4]) {
            const empty = quantise({ shape: [1, K], data: new Float32Array(K).fill(1) }, format);
            const data = empty.data.map((old, i) => {
              const step = format === "int8" ? K : format === "q8_0" ? 34 : 18;
              return format !== "int8" && i % step < 2 ? old : byte;
            });
            const w = { ...empty, data };
            for (const sign of [1, -1]) {
              const x = { shape: [M, K], data: new Float32Array(M * K).fill(sign * 127) };
              const y = kernels.project(x, w, { activations: "int8" });
              const { exact, allowed } = exactly(x.data.subarray(0, K), w, 0, 0);
              for (const value of y.data) expect(Math.abs(value - exact)).toBeLessThanOrEqual(allowed);
            }
          }
      });
      test("packed weights give what unpacked ones do, bit for bit, and are packed a part at a time", () => {
        const w = quantise(drawn(4099, 512), format);
        const [x, region] = [drawn(2, 512), kernels.region()];
        const packed = kernels.pack(w, region);
        expect(kernels.project(x, packed)).toEqual(kernels.project(x, w));
        const few = {
          ...w,
          shape: [7, 512],
          data: w.data.slice(-7 * (w.data.length / 4099)),
          scales: w.scales?.slice(-7),
        };
        for (const activations of ["float32", "int8"] as const) {
          const all = kernels.project(x, packed, { activations }).data;
          expect([...kernels.project(x, few, { activations }).data.subarray(0, 7)]).toEqual([
            ...all.subarray(4092, 4099),
          ]);
        }
        region.release();
        expect(() => kernels.project(x, packed)).toThrow("released");
      });
    });
    test("activations of 8 bits: zeros, tiny, huge, NaN and infinite ones", () => {
      const w = quantise({ shape: [1, 32], data: new Float32Array(32).fill(1) }, "q8_0");
      const of = (x: number) =>
        kernels.project({ shape: [1, 32], data: new Float32Array(32).fill(x) }, w, { activations: "int8" }).data[0]!;
      expect([0, -0, 1e-40, 1e-37].map(of).map(Math.abs)).toEqual([0, 0, 0, 0]);
      expect([1e36, -1e36].map(of).map((y) => Math.abs(y / 32e36) - 1 < 1e-3)).toEqual([true, true]);
      expect([Number.NaN, Number.POSITIVE_INFINITY].map(of)).toEqual([Number.NaN, Number.NaN]);
    });
  });

describe("dots", () => {
  test.skipIf(!hasDots)(
    "products by the engine's dot product are those in 16 bits, bit for bit, zeros and signs too",
    () => {
      const values = [-128, 127, -1, 0, 1, -127];
      for (const format of formats)
        for (const K of format === "int8" ? [1, 30, 32, 45, 160, 1024] : [32, 160, 1024])
          for (const M of [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 16])
            for (const N of [1, 4, 7, 8, 13, 16, 17, 36]) {
              const x = drawn(M, K);
              for (let d = 0; d < K; d++) x.data[((d * 7) % M) * K + d]! *= d % 5 === 0 ? 0 : d % 3;
              const w = quantise(drawn(N, K), format);
              const step = format === "int8" ? K : format === "q8_0" ? 34 : 18;
              const data = w.data.map((old, i) =>
                format !== "int8" && i % step < 2 ? old : i % 3 ? old : values[i % 7 === 6 ? 0 : i % 7]!,
              );
              const options = { activations: "int8", bias: N % 2 ? drawn(N) : undefined } as const;
              const [fast, slow] = [relaxed.kernels, wide].map((kernels) =>
                kernels.project(x, { ...w, data }, options),
              );
              expect(
                fast!.data.every((value, i) => Object.is(value, slow!.data[i])),
                `${format} ${M}, ${N}, ${K}`,
              ).toBe(true);
            }
    },
  );
  test("what the engine does not have, or nobody has, is refused; results do not depend on it", async () => {
    expect(plain.dots).toBe("wide");
    expect((await load({ bytes: plainBytes, dots: "wide" })).dots).toBe("wide");
    await expect(load({ bytes: plainBytes, dots: "fast" as "wide" })).rejects.toThrow(
      "load: dots must be unsigned or signed or wide, got fast",
    );
    for (const one of dots)
      if (one !== "wide" && one !== relaxed.kernels.dots)
        await expect(load({ bytes: relaxed.runs ? relaxedBytes : plainBytes, dots: one })).rejects.toThrow(
          `load: this engine has no exact dot product of ${one} bytes; it has ${relaxed.kernels.dots}`,
        );
      else expect((await load({ bytes: relaxed.runs ? relaxedBytes : plainBytes, dots: one })).dots).toBe(one);
  });
});

describe("formats", () => {
  test("halves: every one of them there and back, ties to even, overflow", () => {
    for (let bits = 0; bits < 65536; bits++) {
      const x = floatOf(bits);
      if (!Number.isNaN(x)) expect(halfOf(x)).toBe(bits);
    }
    expect([1 + 2 ** -11, 1 + 3 * 2 ** -11, 65519, 65520, 2 ** -25, 1.1 * 2 ** -25].map(halfOf)).toEqual([
      ...[0x3c00, 0x3c02, 0x7bff, 0x7c00, 0, 1],
    ]);
  });
  test("blocks as they stand in a file", () => {
    const x = { shape: [1, 32], data: Float32Array.from({ length: 32 }, (_, i) => (i - 16) / 2) };
    const q4 = quantise(x, "q4_0");
    // The value of largest size is −8: the scale is 1 (0x3c00), number −8 + 8 = 0; halves go away from zero.
    expect([...q4.data.subarray(0, 4)]).toEqual([0x00, 0x3c, 0x80, 0x90]);
    expect(dequantise(q4).data.subarray(0, 5)).toEqual(Float32Array.of(-8, -8, -7, -7, -6));
    const q8 = quantise({ shape: [1, 32], data: x.data.map((v) => (v / 8) * 127) }, "q8_0");
    expect([...q8.data.subarray(0, 4)]).toEqual([0x00, 0x3c, 0x81, 256 - 119]);
    const rows = quantise({ shape: [2, 3], data: Float32Array.of(1, -2, 254 / 127, 0, 0, 0) }, "int8");
    expect([...rows.data]).toEqual([64, 129, 127, 0, 0, 0]);
    expect(rows.scales).toEqual(Float32Array.of(2 / 127, 0));
  });
  test("no weight is off by more than half a step, for q4_0 a whole one at the far end", () => {
    for (const format of formats) {
      const w = drawn(9, 64);
      const q = quantise(w, format);
      const { scales, width } = read(q);
      dequantise(q).data.forEach((value, i) => {
        const step = Math.abs(scales[Math.floor(i / width)]!);
        // The rounding of the scale itself is 2^−11 of up to 127 steps.
        const allowed = format === "q4_0" ? step * 1.01 : step * (0.5 + 127 * 2 ** -11);
        expect(Math.abs(value - w.data[i]!)).toBeLessThanOrEqual(allowed);
      });
    }
  });
  test("what does not fit is refused by name", () => {
    const before = plain.arena.used;
    expect(() => quantise(drawn(2, 33), "q8_0")).toThrow("quantise: w has K = 33; q8_0 needs a multiple of 32");
    expect(() => quantise(drawn(4), "int8")).toThrow("quantise: w has shape [4] and 4 values, expected [N, K]");
    expect(() => quantise({ shape: [1, 1], data: Float32Array.of(Number.NaN) }, "int8")).toThrow("not finite");
    expect(() => quantise({ shape: [1, 32], data: new Float32Array(32).fill(1e38) }, "q4_0")).toThrow("too large");
    const w = quantise(drawn(3, 32), "q4_0");
    expect(() => plain.project(drawn(2, 31), w)).toThrow("project: x has shape [2, 31], expected [..., K] with K = 32");
    expect(() => plain.project(drawn(2, 32), w, { bias: drawn(2) })).toThrow(
      "project: bias has shape [2], expected [3]",
    );
    expect(() => plain.project(drawn(1, 32), { ...w, data: w.data.subarray(1) })).toThrow(
      "pack: data of [3, 32] in q4_0 must be a Uint8Array of 54 bytes, got 53",
    );
    expect(() => plain.project(drawn(1, 32), { ...w, data: w.data.slice().fill(255) })).toThrow(
      "pack: the scale of block 0 is not finite: are these q4_0 blocks?",
    );
    expect(() => plain.project(drawn(1, 32), { ...w, format: "int8", data: new Uint8Array(96) })).toThrow(
      "pack: int8 needs a Float32Array of scales",
    );
    const region = plain.region();
    const packing = plain.packing([8, 64], "q8_0", region);
    const rows = (count: number) => new Uint8Array(68 * count);
    for (const [row, data] of [
      [-4, rows(4)],
      [2, rows(4)],
      [Number.NaN, rows(4)],
      [4, rows(8)],
      [0, rows(0)],
      [0, rows(3)],
    ] as const)
      expect(() => packing.write(row, data)).toThrow(`pack: ${data.length} bytes from row ${row} on are no rows of 68`);
    for (const [column, columns] of [
      [-32, 32],
      [16, 32],
      [64, 32],
      [32, 64],
    ] as const)
      expect(() => packing.write(0, new Uint8Array((4 * 34 * columns) / 32), column, columns)).toThrow(
        `pack: columns ${column} to ${column + columns - 1} are no whole blocks of 32 of 64`,
      );
    expect(() => packing.weights.readRow(8, new Float32Array(64))).toThrow("row must be a whole number from 0 to 7");
    expect(() => packing.weights.readRow(1, new Float32Array(63))).toThrow(
      "readRow: target has room for 63 values, expected at least 64",
    );
    region.release();
    expect(plain.arena.used).toBe(before);
  });
});
