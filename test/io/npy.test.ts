import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DTYPES } from "../../src/io/dtypes.ts";
import { readNpy, writeNpy } from "../../src/io/npy.ts";
import { drawnTensor, fixtureBytes, refusal, succeedsOrRefuses } from "./support.ts";

const WRITABLE = DTYPES.filter((dtype) => dtype !== "BF16");

/** A version 1.0 file of the given header dict and data. */
function assembleNpy(dict: string, data: Iterable<number> = []): Uint8Array {
  const text = new TextEncoder().encode(dict);
  return Uint8Array.from([0x93, ...new TextEncoder().encode("NUMPY"), 1, 0, text.length, 0, ...text, ...data]);
}

const dictOf = (descr: string, shape: string, fortran = "False") =>
  `{'descr': ${descr}, 'fortran_order': ${fortran}, 'shape': ${shape}, }\n`;

describe("round trips", () => {
  test.each(WRITABLE)("%s arrays of any shape come back as they were", (dtype) => {
    fc.assert(
      fc.property(drawnTensor(dtype), (tensor) => {
        const bytes = writeNpy(tensor);
        const read = readNpy(bytes);
        expect({ ...read, data: [...read.data] }).toEqual(tensor);
        expect(writeNpy(read)).toEqual(bytes);
      }),
      { numRuns: 40 },
    );
  });

  test("a shape too long for version 1.0 is written as version 2.0", () => {
    const shape = new Array<number>(30_000).fill(1);
    const bytes = writeNpy({ shape, data: [0.25] });
    expect(bytes[6]).toBe(2);
    expect(readNpy(bytes)).toEqual({ dtype: "F64", shape, data: Float64Array.of(0.25) });
  });
});

describe("files of NumPy", () => {
  const read = (name: string) => {
    const { dtype, shape, data } = readNpy(fixtureBytes(`numpy/${name}.npy`));
    return { dtype, shape, data: [...data] };
  };

  test.each([
    ["f2", "F16"],
    ["f4", "F32"],
    ["f8", "F64"],
    ["i1", "I8"],
    ["i2", "I16"],
    ["i4", "I32"],
    ["i8", "I64"],
    ["f2-big", "F16"],
    ["f4-big", "F32"],
    ["f8-big", "F64"],
    ["i2-big", "I16"],
    ["i4-big", "I32"],
    ["i8-big", "I64"],
  ])("%s is read as %s", (name, dtype) => {
    expect(read(name)).toEqual({ dtype, shape: [2, 3], data: [-3, -2, -1, 0, 1, 2] });
  });

  test.each([
    ["u1", "U8"],
    ["u2", "U16"],
    ["u4", "U32"],
    ["u8", "U64"],
  ])("%s is read as %s", (name, dtype) => {
    expect(read(name)).toEqual({ dtype, shape: [2, 3], data: [0, 1, 2, 3, 4, 5] });
  });

  test("booleans, special values, scalars and empty arrays", () => {
    expect(read("b1")).toEqual({ dtype: "BOOL", shape: [3], data: [1, 0, 1] });
    const special = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, Number.MIN_VALUE];
    expect(read("special")).toEqual({ dtype: "F64", shape: [5], data: special });
    expect(read("scalar")).toEqual({ dtype: "F64", shape: [], data: [1.5] });
    expect(read("empty")).toEqual({ dtype: "F64", shape: [0, 3], data: [] });
  });

  test("Fortran order is turned into C order", () => {
    const data = Array.from({ length: 24 }, (_, index) => index);
    expect(read("fortran")).toEqual({ dtype: "I32", shape: [2, 3, 4], data });
  });

  test("versions 2.0 and 3.0", () => {
    for (const version of [2, 3]) {
      expect(fixtureBytes(`numpy/version${version}.npy`)[6]).toBe(version);
      expect(read(`version${version}`)).toEqual({ dtype: "F32", shape: [3], data: [0, 1, 2] });
    }
  });

  test.each(["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1", "scalar", "empty", "special"])(
    "%s is written back byte for byte",
    (name) => {
      const bytes = fixtureBytes(`numpy/${name}.npy`);
      expect(writeNpy(readNpy(bytes))).toEqual(bytes);
    },
  );

  test.each([
    ["object", "an unsupported element type (Python objects)"],
    ["structured", "a structured dtype"],
    ["unicode-field", "a structured dtype"],
    ["complex", "an unsupported element type (complex numbers)"],
    ["text", "an unsupported element type (text strings)"],
    ["bytes", "an unsupported element type (byte strings)"],
    ["dates", "an unsupported element type (dates)"],
    ["spans", "an unsupported element type (time spans)"],
    ["void", "an unsupported element type (raw or structured bytes)"],
    ["long-double", "an unsupported element type (floats of an unsupported width)"],
  ])("%s is refused by name", (name, kind) => {
    const refused = refusal(() => readNpy(fixtureBytes(`numpy-refused/${name}.npy`), `${name}.npy`));
    expect(refused.file).toBe(`${name}.npy`);
    expect(refused.reason).toBe(`the array has ${kind}`);
    expect(refused.offset).toBeGreaterThanOrEqual(10);
  });
});

describe("refusals", () => {
  test("an empty file, a wrong magic string, an unknown version", () => {
    expect(refusal(() => readNpy(new Uint8Array(0)))).toMatchObject({ file: "npy", reason: "the file is empty" });
    const bytes = assembleNpy(dictOf("'|u1'", "()"), [1]);
    const wrong = bytes.slice();
    wrong[3] = 0;
    expect(refusal(() => readNpy(wrong))).toMatchObject({ offset: 3, reason: "the file has no .npy magic string" });
    for (const [major, minor] of [
      [0, 0],
      [4, 0],
      [1, 1],
    ] as const) {
      const odd = bytes.slice();
      odd.set([major, minor], 6);
      const refused = refusal(() => readNpy(odd));
      expect(refused).toMatchObject({ offset: 6, reason: "the .npy version is unknown" });
      expect(refused.message).toContain(`found ${major}.${minor}`);
    }
  });

  test("a header length beyond the file or beyond reason", () => {
    const bytes = assembleNpy(dictOf("'|u1'", "()"), [1]);
    bytes[9] = 1;
    expect(refusal(() => readNpy(bytes))).toMatchObject({
      offset: bytes.length,
      reason: "the file ends within its header",
    });
    const second = Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 2, 0, 0, 0, 0, 0x80);
    expect(refusal(() => readNpy(second))).toMatchObject({
      offset: 8,
      reason: "the header length is over the limit of 1 MiB",
    });
  });

  test.each([
    ["", ""],
    ["(1)", "(1)"],
    ["{'descr': '<f8'", ""],
    ["{'descr' '<f8'}", "'<f8'}"],
    ["{descr: '<f8'}", "descr"],
    ["{'descr': '<f8, }\n", "'<f8"],
    ["{'descr': '\\x3cf8'}", "'\\x3c"],
    ["{'descr': 8}", "8}"],
    ["{'descr': '<f8', 'descr': '<f8'}", "'descr': '<f8'}"],
    ["{'other': 1}", "'other'"],
    [dictOf("'<f8'", "()").replace("}", "} x"), "x"],
    [dictOf("'<f8'", "()", "false"), "false"],
    [dictOf("'<f8'", "()", "Truer"), "Truer"],
    [dictOf("'<f8'", "(1)"), ")"],
    [dictOf("'<f8'", "(,)"), ",)"],
    [dictOf("'<f8'", "(-1,)"), "-1"],
    [dictOf("'<f8'", "(1.5,)"), ".5"],
    [dictOf("'<f8'", "(1 2)"), "2)"],
    [dictOf("'<f8'", "[1]"), "[1]"],
    [dictOf("'<f8'", "(9007199254740992,)"), "9007199254740992"],
    ["{'descr': '<f8', 'shape': ()}", "{"],
    ["{'descr': '<f8', 'fortran_order': False}", "{"],
    ["{'fortran_order': False, 'shape': ()}", "{"],
  ])("header %j is malformed", (dict, blame) => {
    const bytes = assembleNpy(dict, new Uint8Array(8));
    const refused = refusal(() => readNpy(bytes));
    expect(refused.reason).toBe("the header dict is malformed");
    const text = new TextDecoder().decode(bytes.subarray(refused.offset, 10 + bytes[8]!));
    expect(blame === "" ? text === "" : text.startsWith(blame)).toBe(true);
  });

  test("double quotes, long suffixes and any order of keys are understood", () => {
    const dict = `{"shape": (2L,), "fortran_order": True, "descr": ">u2"}`;
    expect(readNpy(assembleNpy(dict, [0, 1, 1, 0]))).toEqual({
      dtype: "U16",
      shape: [2],
      data: Uint16Array.of(1, 256),
    });
  });

  test("a byte order that says nothing", () => {
    for (const descr of ["'|f8'", "'=f8'"]) {
      const refused = refusal(() => readNpy(assembleNpy(dictOf(descr, "()"), new Uint8Array(8))));
      expect(refused.reason).toBe("the array has no clear byte order");
    }
    expect(readNpy(assembleNpy(dictOf("'>i1'", "()"), [255])).data).toEqual(Int8Array.of(-1));
  });

  test("data cut off, followed by more, or of an unthinkable size", () => {
    const short = assembleNpy(dictOf("'<f4'", "(2,)"), new Uint8Array(7));
    expect(refusal(() => readNpy(short))).toMatchObject({ offset: short.length, reason: "the data are cut off" });
    const long = assembleNpy(dictOf("'<f4'", "(2,)"), new Uint8Array(9));
    expect(refusal(() => readNpy(long))).toMatchObject({ offset: long.length - 1, reason: "bytes follow the data" });
    const vast = assembleNpy(dictOf("'<f4'", "(4294967296, 4294967296)"));
    expect(refusal(() => readNpy(vast)).reason).toBe("the data are cut off");
  });

  test("64-bit integers beyond 2^53 and booleans beyond 1", () => {
    const large = assembleNpy(dictOf("'>i8'", "(1,)"), [0x80, 0, 0, 0, 0, 0, 0, 0]);
    const refused = refusal(() => readNpy(large));
    expect(refused.offset).toBe(large.length - 8);
    expect(refused.message).toContain("found -9223372036854775808");
    expect(refusal(() => readNpy(assembleNpy(dictOf("'|b1'", "()"), [2]))).reason).toContain("BOOL");
  });

  test("writing what .npy or the element type cannot hold", () => {
    expect(refusal(() => writeNpy({ shape: [], data: [1], dtype: "BF16" })).message).toContain("BF16");
    const refused = refusal(() => writeNpy({ shape: [2], data: [1, 300], dtype: "U8" }, "q.npy"));
    expect(refused.file).toBe("q.npy");
    expect(refused.reason).toContain("element [1] (flat index 1)");
  });
});

describe("damage", () => {
  const small = writeNpy({ shape: [2, 2], data: [1, 2, 3, 4], dtype: "I64" });

  test("a file cut off anywhere is refused", () => {
    for (let length = 0; length < small.length; length++) refusal(() => readNpy(small.subarray(0, length)));
  });

  test("a flipped bit or byte anywhere is read or refused", () => {
    for (let at = 0; at < small.length; at++) {
      for (const mask of [1, 2, 4, 8, 16, 32, 64, 128, 255]) {
        const flipped = small.slice();
        flipped[at]! ^= mask;
        succeedsOrRefuses(() => readNpy(flipped));
      }
    }
  });

  test("any text as a header is read or refused", () => {
    const fragment = fc.constantFrom(
      "'",
      '"',
      "{",
      "}",
      "(",
      ")",
      ":",
      ",",
      "0",
      "'descr'",
      "'shape'",
      "True",
      "[",
      "L",
    );
    fc.assert(
      fc.property(fc.array(fragment, { maxLength: 30 }), (fragments) => {
        succeedsOrRefuses(() => readNpy(assembleNpy(`{${fragments.join("")}`)));
      }),
      { numRuns: 500 },
    );
  });
});
