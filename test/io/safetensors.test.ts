import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DTYPES, type Dtype } from "../../src/io/dtypes.ts";
import { readSafetensors, writeSafetensors } from "../../src/io/safetensors.ts";
import { assemble, drawnTensor, fixtureBytes, refusal, succeedsOrRefuses } from "./support.ts";

const drawnName = fc.string({ unit: "binary", maxLength: 8 }).filter((name) => name !== "__metadata__");
const drawnMetadata = fc.dictionary(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), { maxKeys: 3 });

describe("round trips", () => {
  test.each(DTYPES)("%s tensors of any shape and name come back as they were", (dtype) => {
    const drawn = fc.uniqueArray(fc.tuple(drawnName, drawnTensor(dtype)), { maxLength: 3, selector: ([name]) => name });
    fc.assert(
      fc.property(drawn, drawnMetadata, (entries, metadata) => {
        const bytes = writeSafetensors(Object.fromEntries(entries), metadata);
        const read = readSafetensors(bytes);
        expect(Object.entries(read.metadata).sort()).toEqual(Object.entries(metadata).sort());
        expect(Object.keys(read.tensors).length).toBe(entries.length);
        for (const [name, tensor] of entries) {
          const { shape, data } = read.tensors[name]!;
          expect({ dtype: read.tensors[name]?.dtype, shape, data: [...data] }).toEqual(tensor);
        }
        expect(writeSafetensors(read.tensors, read.metadata)).toEqual(bytes);
      }),
      { numRuns: 40 },
    );
  });

  test("the order of listing leaves no trace", () => {
    const one = { shape: [1], data: [1] };
    const two = { shape: [1], data: [2], dtype: "I8" as const };
    const first = writeSafetensors({ one, two }, { left: "1", right: "2" });
    expect(writeSafetensors({ two, one }, { right: "2", left: "1" })).toEqual(first);
  });

  test("the header is padded to a multiple of 8 bytes and the element type is F64 unless given", () => {
    for (const name of ["a", "ab", "abc", "abcd", "abcde", "abcdef", "abcdefg", "abcdefgh"]) {
      const bytes = writeSafetensors({ [name]: { shape: [2], data: [0.1, -0] } });
      expect((bytes.length - 16) % 8).toBe(0);
      expect(readSafetensors(bytes).tensors[name]).toEqual({
        dtype: "F64",
        shape: [2],
        data: Float64Array.of(0.1, -0),
      });
    }
  });

  test("a view into the middle of a larger buffer is read alike", () => {
    const bytes = writeSafetensors({ a: { shape: [2], data: [1, 2], dtype: "BF16" } });
    const larger = new Uint8Array(bytes.length + 7);
    larger.set(bytes, 3);
    const read = readSafetensors(larger.subarray(3, 3 + bytes.length));
    expect(read).toEqual(readSafetensors(bytes));
  });

  test("every NaN is written as the same bytes", () => {
    const odd = new Float64Array(new BigUint64Array([0xfff8000000000123n]).buffer);
    for (const dtype of ["F64", "F32", "F16", "BF16"] as const) {
      const plain = writeSafetensors({ a: { shape: [1], data: [Number.NaN], dtype } });
      expect(writeSafetensors({ a: { shape: [1], data: odd, dtype } })).toEqual(plain);
    }
  });

  test("__proto__ and its like are names among others", () => {
    const tensor = { shape: [1], data: [7] };
    const names = ["__proto__", "constructor", "toString", "hasOwnProperty"];
    const bytes = writeSafetensors(
      Object.fromEntries(names.map((name) => [name, tensor])),
      Object.fromEntries(names.map((name) => [name, name])),
    );
    const { tensors, metadata } = readSafetensors(bytes);
    expect(Object.keys(tensors).sort()).toEqual([...names].sort());
    expect(Object.entries(metadata).every(([name, value]) => name === value)).toBe(true);
    const untouched: object = {};
    expect("dtype" in untouched || "data" in untouched).toBe(false);
    expect(Object.getPrototypeOf(tensors)).toBe(null);
    const proto = Object.getOwnPropertyDescriptor(tensors, "__proto__")?.value;
    expect(proto).toEqual({ dtype: "F64", shape: [1], data: Float64Array.of(7) });
  });
});

describe("files of the Python package", () => {
  test("every element type, odd names and metadata are read", () => {
    const { tensors, metadata } = readSafetensors(fixtureBytes("reference.safetensors"));
    expect({ ...metadata }).toEqual({ größe: 'a "text"\n' });
    for (const dtype of ["F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8"] satisfies Dtype[]) {
      expect({ ...tensors[dtype], data: [...tensors[dtype]!.data] }).toEqual({
        dtype,
        shape: [2, 3],
        data: [-3, -2, -1, 0, 1, 2],
      });
    }
    for (const dtype of ["U64", "U32", "U16", "U8"] satisfies Dtype[]) {
      expect({ ...tensors[dtype], data: [...tensors[dtype]!.data] }).toEqual({
        dtype,
        shape: [2, 3],
        data: [0, 1, 2, 3, 4, 5],
      });
    }
    expect(tensors.BOOL).toEqual({ dtype: "BOOL", shape: [3], data: Uint8Array.of(1, 0, 1) });
    expect(tensors.scalar).toEqual({ dtype: "F64", shape: [], data: Float64Array.of(1.5) });
    expect(tensors.empty).toEqual({ dtype: "F32", shape: [0, 3], data: new Float32Array(0) });
    expect(tensors["größe 🙂"]?.data).toEqual(Float32Array.of(1));
    expect(tensors['"quoted"\n\\']?.data).toEqual(Float32Array.of(2));
    expect(tensors["\uffff"]?.data).toEqual(Float32Array.of(3));
  });

  test.each(["reference.safetensors", "nothing.safetensors"])("%s is written back byte for byte", (name) => {
    const bytes = fixtureBytes(name);
    const { tensors, metadata } = readSafetensors(bytes);
    expect(writeSafetensors(tensors, metadata)).toEqual(bytes);
  });
});

describe("damage", () => {
  const small = writeSafetensors(
    { q: { shape: [2], data: [1, 2], dtype: "I64" }, ü: { shape: [3], data: [1, 0, 1], dtype: "BOOL" } },
    { by: "test" },
  );

  test("a file cut off anywhere is refused", () => {
    for (let length = 0; length < small.length; length++) {
      const refused = refusal(() => readSafetensors(small.subarray(0, length), "cut.safetensors"));
      expect(refused.file).toBe("cut.safetensors");
      expect(refused.message.startsWith("cut.safetensors: ")).toBe(true);
    }
  });

  test("a flipped bit or byte anywhere is read or refused", () => {
    for (let at = 0; at < small.length; at++) {
      for (const mask of [1, 2, 4, 8, 16, 32, 64, 128, 255]) {
        const flipped = small.slice();
        flipped[at]! ^= mask;
        succeedsOrRefuses(() => readSafetensors(flipped));
      }
    }
  });

  test("any bytes, and any text as a header, are read or refused", () => {
    const fragment = fc.constantFrom('"', "{", "}", "[", "]", ":", ",", "0", "-1", "\\", '"dtype"', "null", "1e9", "é");
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.array(fragment), (bytes, fragments) => {
        succeedsOrRefuses(() => readSafetensors(bytes));
        succeedsOrRefuses(() => readSafetensors(assemble(`{${fragments.join("")}`, bytes)));
      }),
      { numRuns: 500 },
    );
  });
});
