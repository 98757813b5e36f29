import type { Dtype } from "./dtypes.ts";

const CODES: ReadonlyMap<string, Dtype> = new Map([
  ["b1", "BOOL"],
  ["u1", "U8"],
  ["i1", "I8"],
  ["i2", "I16"],
  ["u2", "U16"],
  ["f2", "F16"],
  ["i4", "I32"],
  ["u4", "U32"],
  ["f4", "F32"],
  ["f8", "F64"],
  ["i8", "I64"],
  ["u8", "U64"],
]);

const REFUSED_KINDS: ReadonlyMap<string, string> = new Map([
  ["O", "Python objects"],
  ["V", "raw or structured bytes"],
  ["c", "complex numbers"],
  ["S", "byte strings"],
  ["a", "byte strings"],
  ["U", "text strings"],
  ["T", "text strings"],
  ["M", "dates"],
  ["m", "time spans"],
  ["f", "floats of an unsupported width"],
  ["i", "integers of an unsupported width"],
  ["u", "integers of an unsupported width"],
]);

/** The element type and byte order of a NumPy type string such as `<f8`, or undefined for one not supported. */
export function parseDescr(descr: string): { dtype: Dtype; littleEndian: boolean } | undefined {
  const order = descr.charAt(0);
  const dtype = CODES.get(descr.slice(1));
  if (dtype === undefined) return undefined;
  if (order === "<" || order === ">") return { dtype, littleEndian: order === "<" };
  return order === "|" && descr.endsWith("1") ? { dtype, littleEndian: true } : undefined;
}

/** The little-endian NumPy type string of an element type, or undefined for BF16, which NumPy lacks. */
export function descrOf(dtype: Dtype): string | undefined {
  for (const [code, candidate] of CODES) {
    if (candidate === dtype) return `${code.endsWith("1") ? "|" : "<"}${code}`;
  }
  return undefined;
}

/** What a NumPy type string that is not supported stands for, as a phrase. */
export function describeDescr(descr: string): string {
  if (CODES.has(descr.slice(1))) return "no clear byte order";
  const kind = REFUSED_KINDS.get(descr.replace(/^[<>|=]/, "").charAt(0));
  return `an unsupported element type${kind === undefined ? "" : ` (${kind})`}`;
}
