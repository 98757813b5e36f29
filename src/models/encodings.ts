/** How numbers are stored in checkpoints: blocks of bytes that hold a few values each. */
import { decodeFloat16 } from "../io/narrow-floats.ts";
import * as blocks from "./gguf-blocks.ts";

export interface Encoding {
  readonly name: string;
  /** Values of one block. Absent, as the next two: not supported. */
  readonly values?: number;
  /** Bytes of one block. */
  readonly bytes?: number;
  /** Writes the values of the blocks that `bytes` holds to the front of `target`. */
  decode?(bytes: Uint8Array, target: Float32Array): void;
}

const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

/** All 65536 values of float16, built when first needed. */
let halves: Float32Array | undefined;
const half = (): Float32Array => {
  halves ??= Float32Array.from({ length: 65536 }, (_, bits) => decodeFloat16(bits));
  return halves;
};

export const encodings: Readonly<Record<string, Required<Encoding>>> = {
  F32: {
    name: "F32",
    values: 1,
    bytes: 4,
    decode(bytes, target) {
      // The bytes may begin anywhere; a typed array may not.
      new Uint8Array(target.buffer, target.byteOffset, bytes.length).set(bytes);
    },
  },
  F64: {
    name: "F64",
    values: 1,
    bytes: 8,
    decode(bytes, target) {
      const from = view(bytes);
      for (let i = 0; i < bytes.length / 8; i++) target[i] = from.getFloat64(8 * i, true);
    },
  },
  F16: {
    name: "F16",
    values: 1,
    bytes: 2,
    decode(bytes, target) {
      const table = half();
      for (let i = 0; i < bytes.length / 2; i++) target[i] = table[bytes[2 * i]! | (bytes[2 * i + 1]! << 8)]!;
    },
  },
  BF16: {
    name: "BF16",
    values: 1,
    bytes: 2,
    decode(bytes, target) {
      const into = new Uint16Array(target.buffer, target.byteOffset, bytes.length);
      for (let i = 0; i < bytes.length / 2; i++) {
        into[2 * i] = 0;
        into[2 * i + 1] = bytes[2 * i]! | (bytes[2 * i + 1]! << 8);
      }
    },
  },
  Q8_0: { name: "Q8_0", values: 32, bytes: 34, decode: blocks.q8_0 },
  Q4_0: { name: "Q4_0", values: 32, bytes: 18, decode: blocks.q4_0 },
  Q4_K: { name: "Q4_K", values: 256, bytes: 144, decode: blocks.q4K },
  Q6_K: { name: "Q6_K", values: 256, bytes: 210, decode: blocks.q6K },
};

/** The encoding of that name; one that is not supported can only be named. */
export const encodingOf = (name: string): Encoding => (Object.hasOwn(encodings, name) ? encodings[name]! : { name });
