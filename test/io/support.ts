import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { expect } from "vitest";
import {
  type Dtype,
  decodeBfloat16,
  decodeFloat16,
  encodeBfloat16,
  encodeFloat16,
  integerRange,
} from "../../src/io/dtypes.ts";
import { FileFormatError } from "../../src/io/errors.ts";
import type { WritableTensor } from "../../src/io/safetensors.ts";

/** Path of a fixture made by fixtures/make.py. */
export function fixture(name: string): string {
  return fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));
}

/** Content of a fixture made by fixtures/make.py. */
export function fixtureBytes(name: string): Uint8Array {
  return new Uint8Array(readFileSync(fixture(name)));
}

/** The FileFormatError that the work throws; fails the test for any other outcome. */
export function refusal(work: () => unknown): FileFormatError {
  try {
    work();
  } catch (error) {
    return asRefusal(error);
  }
  throw new Error("the work was not refused");
}

/** The FileFormatError that the work rejects with; fails the test for any other outcome. */
export async function laterRefusal(work: Promise<unknown>): Promise<FileFormatError> {
  return work.then(
    () => {
      throw new Error("the work was not refused");
    },
    (error: unknown) => asRefusal(error),
  );
}

function asRefusal(error: unknown): FileFormatError {
  expect(error).toBeInstanceOf(FileFormatError);
  const refused = error as FileFormatError;
  expect(refused.message).toContain(refused.reason);
  expect(refused.message).toMatch(/: .+: expected .+, found .+\. [A-Z].+\.$/s);
  return refused;
}

/** Fails unless the work succeeds or throws a FileFormatError. */
export function succeedsOrRefuses(work: () => unknown): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof FileFormatError)) throw error;
  }
}

/** A safetensors file of the given header text and data. */
export function assemble(header: string | Uint8Array, data: Iterable<number> = []): Uint8Array {
  const text = typeof header === "string" ? new TextEncoder().encode(header) : header;
  const bytes = Uint8Array.from([...new Uint8Array(8), ...text, ...data]);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  return bytes;
}

/** Draws a tensor of an element type, whose every value the type holds exactly (NaN included). */
export function drawnTensor(dtype: Dtype): fc.Arbitrary<WritableTensor & { dtype: Dtype }> {
  return fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 3 }).chain((shape) => {
    const count = shape.reduce((product, length) => product * length, 1);
    const data = fc.array(drawnElement(dtype), { minLength: count, maxLength: count });
    return data.map((elements) => ({ dtype, shape, data: elements }));
  });
}

function drawnElement(dtype: Dtype): fc.Arbitrary<number> {
  const range = integerRange(dtype);
  if (range) {
    return fc.bigInt({ min: BigInt(range.least), max: BigInt(range.most) }).map(Number);
  }
  if (dtype === "F64") return fc.double();
  if (dtype === "F32") return fc.float();
  const decode = dtype === "F16" ? decodeFloat16 : decodeBfloat16;
  return fc.integer({ min: 0, max: 0xffff }).map(decode);
}

/** The 16-bit float types with what the tests need to know of them. */
export const NARROW = [
  { dtype: "F16", decode: decodeFloat16, encode: encodeFloat16, mantissaBits: 10, bias: 15, infinity: 0x7c00 },
  { dtype: "BF16", decode: decodeBfloat16, encode: encodeBfloat16, mantissaBits: 7, bias: 127, infinity: 0x7f80 },
] as const;
