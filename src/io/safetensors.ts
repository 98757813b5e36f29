import { decodeElements } from "./decode.ts";
import { DTYPES } from "./dtypes.ts";
import { type CheckedTensor, checkTensor, encodeElements } from "./encode.ts";
import { FileFormatError } from "./errors.ts";
import { encodeMetadata } from "./metadata.ts";
import { LARGEST_HEADER, PREFIX_BYTES, readHeader } from "./safetensors-header.ts";
import { emptyRecord, type StoredTensor, type TensorFile, type WritableTensor } from "./tensors.ts";
import { compareCodePoints, isWellFormed, quote } from "./text.ts";

export type { StoredTensor, TensorData, TensorFile, WritableTensor } from "./tensors.ts";

/**
 * Reads a whole safetensors file.
 *
 * Unknown fields of a tensor's header entry are ignored, as the reference reader does. Throws a
 * {@link FileFormatError} for anything else the format does not allow, with the byte where it was found.
 *
 * @param bytes the file's content
 * @param file path or label used in errors
 */
export function readSafetensors(bytes: Uint8Array, file = "safetensors"): TensorFile {
  const header = readHeader(bytes, file);
  const tensors = emptyRecord<StoredTensor>();
  for (const { name, dtype, shape, count, begin } of header.tensors) {
    const offset = header.dataStart + begin;
    const label = `tensor ${quote(name)}`;
    const data = decodeElements({ bytes, offset, count, dtype, littleEndian: true, file, label });
    tensors[name] = { dtype, shape, data };
  }
  return { tensors, metadata: header.metadata };
}

/**
 * Writes a safetensors file: the same tensors and metadata give the same bytes, in whatever order they are listed.
 *
 * Tensors are laid out as the reference writer does, by element type and then by name, behind a header padded to a
 * multiple of 8 bytes. Floating-point types are rounded once to nearest even; every NaN becomes the quiet NaN.
 * Throws a {@link FileFormatError} naming the tensor (and the index) for anything that cannot be stored as it is.
 *
 * @param tensors the tensors by name; element type F64 unless given
 * @param metadata free-form texts by name
 * @param file path or label used in errors
 */
export function writeSafetensors(
  tensors: Readonly<Record<string, WritableTensor>>,
  metadata: Readonly<Record<string, string>> = {},
  file = "safetensors",
): Uint8Array<ArrayBuffer> {
  const placed = placeTensors(tensors, file);
  const header = encodeHeader(placed, metadata, file);
  const dataStart = PREFIX_BYTES + header.length;
  const last = placed.at(-1);
  const bytes = new Uint8Array(dataStart + (last ? last.begin + last.tensor.byteLength : 0));
  new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
  bytes.set(header, PREFIX_BYTES);
  for (const { tensor, begin } of placed) encodeElements(tensor, bytes, dataStart + begin);
  return bytes;
}

interface PlacedTensor {
  readonly name: string;
  readonly tensor: CheckedTensor;
  /** Byte within the data section at which the tensor starts. */
  readonly begin: number;
}

function placeTensors(tensors: Readonly<Record<string, WritableTensor>>, file: string): PlacedTensor[] {
  const checked = Object.entries(tensors).map(([name, tensor]) => {
    refuseName(name, file);
    return { name, tensor: checkTensor(tensor, file, `tensor ${quote(name)}`) };
  });
  checked.sort(
    (left, right) =>
      DTYPES.indexOf(right.tensor.dtype) - DTYPES.indexOf(left.tensor.dtype) ||
      compareCodePoints(left.name, right.name),
  );
  let begin = 0;
  return checked.map(({ name, tensor }) => {
    const placed = { name, tensor, begin };
    begin += tensor.byteLength;
    return placed;
  });
}

function refuseName(name: string, file: string): void {
  if (name !== "__metadata__" && isWellFormed(name)) return;
  throw new FileFormatError({
    file,
    reason: `${quote(name)} cannot name a tensor`,
    expected: "well-formed Unicode other than __metadata__",
    found: quote(name),
    mend: "Rename the tensor",
  });
}

function encodeHeader(
  placed: readonly PlacedTensor[],
  metadata: Readonly<Record<string, string>>,
  file: string,
): Uint8Array {
  const entries = placed.map(({ name, tensor, begin }) => {
    const { dtype, shape, byteLength } = tensor;
    return `${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets: [begin, begin + byteLength] })}`;
  });
  const texts = encodeMetadata(metadata, file);
  if (texts !== "{}") entries.unshift(`"__metadata__":${texts}`);
  const json = new TextEncoder().encode(`{${entries.join(",")}}`);
  const header = new Uint8Array(Math.ceil(json.length / 8) * 8).fill(0x20);
  header.set(json);
  if (header.length <= LARGEST_HEADER) return header;
  throw new FileFormatError({
    file,
    reason: "the header would be too long",
    expected: `at most ${LARGEST_HEADER} bytes`,
    found: `${header.length} bytes`,
    mend: "Store fewer tensors or less metadata in one file",
  });
}
