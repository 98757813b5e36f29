import { describe, expect, test } from "vitest";
import type { Dtype } from "../../src/io/dtypes.ts";
import { readSafetensors, writeSafetensors } from "../../src/io/safetensors.ts";
import { assemble, refusal } from "./support.ts";

const entry = (dtype: unknown, shape: unknown, offsets: unknown) =>
  JSON.stringify({ dtype, shape, data_offsets: offsets });
const one = entry("U8", [1], [0, 1]);

/** The refusal of a header, and the text of the header from the byte it blames on. */
function headerRefusal(header: string, data: number[] = [0]) {
  const bytes = assemble(header, data);
  const refused = refusal(() => readSafetensors(bytes, "x.safetensors"));
  return { refused, blamed: new TextDecoder().decode(bytes.subarray(refused.offset, 8 + bytes[0]!)) };
}

describe("the header length", () => {
  test("an empty file is named as such", () => {
    const refused = refusal(() => readSafetensors(new Uint8Array(0)));
    expect(refused).toMatchObject({ file: "safetensors", offset: 0, reason: "the file is empty" });
  });

  test("a file shorter than 8 bytes", () => {
    const refused = refusal(() => readSafetensors(new Uint8Array(7)));
    expect(refused).toMatchObject({ offset: 7, reason: "the file ends within its header length" });
  });

  test("a length beyond the file", () => {
    const bytes = assemble("{}");
    bytes[0] = 3;
    const refused = refusal(() => readSafetensors(bytes));
    expect(refused).toMatchObject({ offset: 0, reason: "the header length reaches beyond the end of the file" });
    expect(refused.message).toContain("expected at most the 2 bytes that follow, found 3");
  });

  test("a length over 100 MB, up to the largest 64-bit one", () => {
    const bytes = assemble("{}");
    for (const length of [100_000_001n, 2n ** 64n - 1n]) {
      new DataView(bytes.buffer, bytes.byteOffset).setBigUint64(0, length, true);
      const refused = refusal(() => readSafetensors(bytes));
      expect(refused).toMatchObject({ offset: 0, reason: "the header length is over the limit of 100 MB" });
      expect(refused.message).toContain(`${length}`);
    }
  });
});

describe("the header text", () => {
  test.each([
    ["", ""],
    ["{", ""],
    ["{]", "]"],
    ['{"é":]', "]"],
    ['{"a" 1}', "1}"],
    ["{a:1}", "a:1}"],
    ['{"a":1,}', "}"],
    ['{"a":[1,]}', "]}"],
    ['{"a":[1 2]}', "2]}"],
    ['{"a":01}', "01}"],
    ['{"a":1.}', "1.}"],
    ['{"a":tru}', "tru}"],
    ['{"a', ""],
    ['{"a\\', ""],
    ['{"\\x":1}', '"\\x":1}'],
    ['{"a\u0001":1}', '"a\u0001":1}'],
    ['{"\\ud800":1}', '"\\ud800":1}'],
    ["{} x", "x"],
    [`{"a":${"1".repeat(401)}}`, undefined],
  ])("%j is not JSON", (header, rest) => {
    const { refused, blamed } = headerRefusal(header, []);
    expect(refused.reason).toBe("the text is not valid JSON");
    if (rest !== undefined) expect(blamed).toBe(rest);
  });

  test("nesting that would exhaust the stack", () => {
    const bytes = assemble(`{"a":${"[".repeat(100_000)}`);
    expect(refusal(() => readSafetensors(bytes)).reason).toBe("JSON is nested too deep");
  });

  test.each([["[]"], ["null"], ['"text"'], ["12"]])("%s is not an object", (header) => {
    const { refused } = headerRefusal(header, []);
    expect(refused).toMatchObject({ offset: 8, reason: "the header is not an object" });
  });

  test("a header that does not start with its object", () => {
    expect(headerRefusal(" {}", []).refused).toMatchObject({
      offset: 8,
      reason: "the header does not start with its object",
    });
  });

  test.each([
    [[0x7b, 0xff, 0x7d], 9],
    [[0x7b, 0x22, 0xc3, 0x28, 0x22], 11],
    [[0x7b, 0x22, 0xe2, 0x82], 12],
    [[0x7b, 0xed, 0xa0, 0x80], 10],
  ])("bytes %j are not UTF-8", (header, offset) => {
    const refused = refusal(() => readSafetensors(assemble(Uint8Array.from(header))));
    expect(refused).toMatchObject({ offset, reason: "the header is not UTF-8" });
  });

  test("a name that occurs twice, also when spelt differently", () => {
    for (const second of ['"a"', '"\\u0061"']) {
      const { refused, blamed } = headerRefusal(`{"a":${one},${second}:${one}}`);
      expect(refused.reason).toBe('the name "a" occurs twice');
      expect(blamed.startsWith(`${second}:`)).toBe(true);
    }
    expect(headerRefusal(`{"a":{"dtype":"U8","dtype":"I8"}}`).refused.reason).toBe('the name "dtype" occurs twice');
  });

  test("metadata that are not texts by name", () => {
    for (const metadata of ["null", "[]", '"text"']) {
      const { refused, blamed } = headerRefusal(`{"__metadata__":${metadata}}`, []);
      expect(refused.reason).toBe("the metadata is not an object");
      expect(blamed).toBe(`${metadata}}`);
    }
    const { refused, blamed } = headerRefusal('{"__metadata__":{"a":"b","c":1}}', []);
    expect(refused.reason).toBe('metadata "c" is not a text');
    expect(blamed).toBe("1}}");
  });
});

describe("a tensor's entry", () => {
  test.each([
    ["12", "has no description", "12}"],
    ["{}", "lacks the field dtype", "{}}"],
    ['{"dtype":"U8"}', "lacks the field shape", undefined],
    ['{"dtype":"U8","shape":[]}', "lacks the field data_offsets", undefined],
    [entry("F8_E4M3", [1], [0, 1]), "has an unknown dtype", '"F8_E4M3"'],
    [entry("f32", [1], [0, 4]), "has an unknown dtype", '"f32"'],
    [entry("__proto__", [1], [0, 1]), "has an unknown dtype", '"__proto__"'],
    [entry(8, [1], [0, 1]), "has an unknown dtype", "8"],
    [entry("U8", 1, [0, 1]), "has a shape that is no list", "1,"],
    [entry("U8", [1, -1], [0, 1]), "has an impossible axis length", "-1"],
    [entry("U8", [1.5], [0, 1]), "has an impossible axis length", "1.5"],
    [entry("U8", [2 ** 53], [0, 1]), "has an impossible axis length", "9007199254740992"],
    [entry("U8", ["1"], [0, 1]), "has an impossible axis length", '"1"'],
    [entry("U8", [1], [0, 1]).replace("[1]", "[1e0]"), "has an impossible axis length", "1e0"],
    [entry("U8", [1], [1, 0]), "has data_offsets that are no ordered pair", "[1,0]"],
    [entry("U8", [1], [0]), "has data_offsets that are no ordered pair", "[0]"],
    [entry("U8", [1], [0, 1, 1]), "has data_offsets that are no ordered pair", "[0,1,1]"],
    [entry("U8", [1], [-1, 0]), "has data_offsets that are no ordered pair", "[-1,0]"],
    [entry("U8", [1], { 0: 0 }), "has data_offsets that are no ordered pair", '{"0":0}'],
    [entry("U8", [2], [0, 1]), "has a byte length that is not its shape times its element size", "[0,1]"],
    [entry("F32", [1], [0, 1]), "has a byte length that is not its shape times its element size", "[0,1]"],
    [
      entry("F32", [2 ** 30, 2 ** 30], [0, 1]),
      "has a byte length that is not its shape times its element size",
      "[0,1]",
    ],
  ])("%s", (description, reason, blame) => {
    const { refused, blamed } = headerRefusal(`{"é":${description}}`);
    expect(refused.reason).toBe(`tensor "é" ${reason}`);
    if (blame !== undefined) expect(blamed.startsWith(blame)).toBe(true);
  });

  test("fields beyond the three are passed over", () => {
    const header = `{"a":${one.replace("{", '{"note":{"by":null},')}}`;
    expect(readSafetensors(assemble(header, [5])).tensors.a?.data).toEqual(Uint8Array.of(5));
  });
});

describe("the data section", () => {
  test("a tensor that reaches beyond the file", () => {
    const bytes = assemble(`{"a":${entry("F32", [2], [0, 8])}}`, [0, 0, 0, 0, 0]);
    const refused = refusal(() => readSafetensors(bytes));
    expect(refused).toMatchObject({ offset: bytes.length, reason: 'tensor "a" reaches beyond the end of the file' });
    expect(refused.message).toContain("3 bytes short");
  });

  test("overlaps and holes", () => {
    const overlap = headerRefusal(`{"a":${entry("U8", [2], [0, 2])},"b":${entry("U8", [2], [1, 3])}}`, [1, 2, 3]);
    expect(overlap.refused.reason).toBe('tensor "b" overlaps the tensor before it');
    expect(overlap.blamed.startsWith("[1,3]")).toBe(true);
    const hole = headerRefusal(`{"b":${entry("U8", [1], [2, 3])},"a":${entry("U8", [1], [0, 1])}}`, [1, 2, 3]);
    expect(hole.refused.reason).toBe('tensor "b" leaves a hole before it');
    expect(hole.blamed.startsWith("[2,3]")).toBe(true);
    expect(headerRefusal(`{"a":${entry("U8", [1], [1, 2])}}`, [1, 2]).refused.reason).toContain("hole");
    const empty = headerRefusal(`{"a":${entry("U8", [2], [0, 2])},"b":${entry("U8", [0], [1, 1])}}`, [1, 2]);
    expect(empty.refused.reason).toContain("overlaps");
  });

  test("an empty tensor may share its offset with the tensor listed before it", () => {
    const header = `{"a":${entry("U8", [1], [0, 1])},"b":${entry("U8", [0], [0, 0])},"c":${entry("F64", [0], [1, 1])}}`;
    const { tensors } = readSafetensors(assemble(header, [9]));
    expect(Object.values(tensors).map(({ data }) => data.length)).toEqual([1, 0, 0]);
  });

  test("bytes after the last tensor", () => {
    const bytes = assemble(`{"a":${one}}`, [1, 2, 3]);
    const refused = refusal(() => readSafetensors(bytes));
    expect(refused).toMatchObject({ offset: bytes.length - 2, reason: "bytes follow the last tensor" });
    expect(refused.message).toContain("found 2 more bytes");
    expect(refusal(() => readSafetensors(assemble("{}", [0]))).reason).toBe("bytes follow the last tensor");
  });

  test.each([
    ["I64", 2n ** 53n, true],
    ["I64", -(2n ** 53n), true],
    ["I64", 2n ** 53n + 1n, false],
    ["I64", -(2n ** 53n) - 1n, false],
    ["I64", -(2n ** 63n), false],
    ["U64", 2n ** 53n, true],
    ["U64", 2n ** 53n + 1n, false],
    ["U64", 2n ** 64n - 1n, false],
  ] as const)("%s %s is read exactly or refused", (dtype, value, fits) => {
    const data = new Uint8Array(new BigInt64Array([5n, BigInt.asIntN(64, value)]).buffer);
    const bytes = assemble(`{"ids":${entry(dtype, [2], [0, 16])}}`, data);
    if (fits) {
      expect(readSafetensors(bytes).tensors.ids?.data).toEqual(Float64Array.of(5, Number(value)));
      return;
    }
    const refused = refusal(() => readSafetensors(bytes));
    expect(refused.offset).toBe(bytes.length - 8);
    expect(refused.reason).toContain('tensor "ids"');
    expect(refused.message).toContain(`found ${value}.`);
  });

  test("a BOOL that is neither 0 nor 1", () => {
    const bytes = assemble(`{"mask":${entry("BOOL", [3], [0, 3])}}`, [0, 1, 2]);
    const refused = refusal(() => readSafetensors(bytes));
    expect(refused.offset).toBe(bytes.length - 1);
    expect(refused.reason).toContain('tensor "mask"');
  });
});

describe("writing", () => {
  const write = (data: ArrayLike<number>, dtype: Dtype, shape = [data.length]) =>
    writeSafetensors({ key: { shape, data, dtype } }, {}, "out.safetensors");

  test.each([
    ["I8", [0, 128]],
    ["I8", [0, -129]],
    ["U8", [0, -1]],
    ["U8", [0, 256]],
    ["I16", [0, 32768]],
    ["U16", [0, 65536]],
    ["I32", [0, 2 ** 31]],
    ["U32", [0, 2 ** 32]],
    ["I64", [0, 2 ** 53 + 2]],
    ["U64", [0, -1]],
    ["U64", [0, 2 ** 64]],
    ["BOOL", [0, 2]],
    ["I32", [0, 0.5]],
    ["I32", [0, Number.NaN]],
    ["I64", [0, Number.POSITIVE_INFINITY]],
    ["F32", [0, 3.5e38]],
    ["F16", [0, 65520]],
    ["F16", [0, -65520]],
    ["BF16", [0, 3.4e38]],
  ] as const)("%s cannot hold %j", (dtype, data) => {
    const refused = refusal(() => write(data, dtype, [1, 2]));
    expect(refused.file).toBe("out.safetensors");
    expect(refused.reason).toBe(`tensor "key" holds a value that ${dtype} cannot hold, element [0, 1] (flat index 1)`);
    expect(refused.message).toContain(`found ${data[1]}.`);
  });

  test("the largest values below those bounds, and infinities, are held", () => {
    const read = (data: number[], dtype: Dtype) => [...readSafetensors(write(data, dtype)).tensors.key!.data];
    expect(read([65519.99], "F16")).toEqual([65504]);
    expect(read([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY], "F16")).toEqual([
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
    ]);
    expect(read([0.1], "F32")).toEqual([Math.fround(0.1)]);
    expect(read([-(2 ** 53), 2 ** 53, -1], "I64")).toEqual([-(2 ** 53), 2 ** 53, -1]);
  });

  test("elements that are no numbers", () => {
    const bigints = new BigInt64Array([1n]) as unknown as ArrayLike<number>;
    expect(refusal(() => write(bigints, "I64")).message).toContain("found bigint");
    expect(refusal(() => write({ length: 1 } as ArrayLike<number>, "F64")).message).toContain("found undefined");
  });

  test("shapes that do not fit", () => {
    expect(refusal(() => write([1, 2], "F64", [3])).reason).toContain('tensor "key" has data that do not fill');
    expect(refusal(() => write([1], "F64", [2 ** 40, 2 ** 40])).reason).toContain("do not fill");
    for (const length of [-1, 1.5, Number.NaN, 2 ** 53]) {
      expect(refusal(() => write([1], "F64", [1, length])).reason).toContain("has an impossible shape");
    }
  });

  test("unknown element types", () => {
    for (const dtype of ["float32", "__proto__", "F8_E4M3"]) {
      expect(refusal(() => write([1], dtype as Dtype)).reason).toBe('tensor "key" has an unknown element type');
    }
  });

  test("names and metadata that have no place in a header", () => {
    const tensor = { shape: [], data: [1] };
    for (const name of ["__metadata__", "\ud800"]) {
      expect(refusal(() => writeSafetensors({ [name]: tensor })).reason).toContain("cannot name a tensor");
    }
    expect(refusal(() => writeSafetensors({}, { a: "\udfff" })).reason).toBe('metadata "a" cannot be stored');
    const numeric = { a: 1 } as unknown as Record<string, string>;
    expect(refusal(() => writeSafetensors({}, numeric)).reason).toBe('metadata "a" cannot be stored');
  });
});

test("untrusted text in a message is cut and stripped of control characters", () => {
  const name = `\u001b[2J\u009b\u202e${"a".repeat(1000)}`;
  const bytes = assemble(`{${JSON.stringify(name)}:1}`);
  const refused = refusal(() => readSafetensors(bytes, "evil\u001b.safetensors"));
  expect(refused.message).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  expect(refused.message.length).toBeLessThan(400);
  expect(refused.file).toBe("evil\u001b.safetensors");
});
