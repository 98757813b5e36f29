import { decodeElements } from "./decode.ts";
import { byteSize, type Dtype } from "./dtypes.ts";
import { checkTensor, encodeElements } from "./encode.ts";
import { FileFormatError } from "./errors.ts";
import { fromFortranOrder } from "./fortran-order.ts";
import { type NpyHeader, readNpyHeader, writeNpyHeader } from "./npy-header.ts";
import { describeDescr, descrOf, parseDescr } from "./npy-types.ts";
import { elementCount, sizeText } from "./shapes.ts";
import type { StoredTensor, WritableTensor } from "./tensors.ts";
import { listText, quote } from "./text.ts";

const LABEL = "the array";

/**
 * Reads a whole .npy file (version 1.0, 2.0 or 3.0) of booleans, integers or floats in either byte order.
 *
 * Fortran-ordered arrays are reordered to C order. Throws a {@link FileFormatError} for any other element type, and
 * for anything the format does not allow, with the byte where it was found.
 *
 * @param bytes the file's content
 * @param file path or label used in errors
 */
export function readNpy(bytes: Uint8Array, file = "npy"): StoredTensor {
  const header = readNpyHeader(bytes, file);
  const { shape } = header;
  const { dtype, littleEndian } = elementType(header, file);
  const count = countElements(header, dtype, bytes.length, file);
  const data = decodeElements({ bytes, offset: header.dataStart, count, dtype, littleEndian, file, label: LABEL });
  return { dtype, shape, data: header.fortranOrder && shape.length > 1 ? fromFortranOrder(data, shape) : data };
}

/**
 * Writes a .npy file (version 1.0, or 2.0 for a header over 64 KiB) in C order, little-endian, as numpy.save does.
 *
 * Floating-point types are rounded once to nearest even; every NaN becomes the quiet NaN. Throws a
 * {@link FileFormatError} naming the index for a value the element type cannot hold, and for BF16, which .npy lacks.
 *
 * @param tensor the array; element type F64 unless given
 * @param file path or label used in errors
 */
export function writeNpy(tensor: WritableTensor, file = "npy"): Uint8Array<ArrayBuffer> {
  const checked = checkTensor(tensor, file, LABEL);
  const descr = descrOf(checked.dtype);
  if (descr === undefined) {
    throw new FileFormatError({
      file,
      reason: `${LABEL} has an element type that .npy lacks`,
      expected: "any element type but BF16",
      found: checked.dtype,
      mend: "Write it as F32, which holds every BF16 value, or write a .safetensors file",
    });
  }
  const header = writeNpyHeader(descr, checked.shape);
  const bytes = new Uint8Array(header.length + checked.byteLength);
  bytes.set(header);
  encodeElements(checked, bytes, header.length);
  return bytes;
}

function elementType(header: NpyHeader, file: string): { dtype: Dtype; littleEndian: boolean } {
  const type = parseDescr(header.descr);
  if (type) return type;
  throw new FileFormatError({
    file,
    offset: header.textStart,
    reason: `${LABEL} has ${describeDescr(header.descr)}`,
    expected: "b1, i1 to i8, u1 to u8, f2, f4 or f8, as '<' or '>' ('|' for single bytes)",
    found: quote(header.descr),
    mend: "Convert the array with astype to one of these before saving it",
  });
}

function countElements(header: NpyHeader, dtype: Dtype, fileLength: number, file: string): number {
  const { shape, dataStart } = header;
  const count = elementCount(shape);
  const end = dataStart + count * byteSize(dtype);
  if (end === fileLength) return count;
  const short = end > fileLength;
  throw new FileFormatError({
    file,
    offset: short ? fileLength : end,
    reason: short ? "the data are cut off" : "bytes follow the data",
    expected: `${dtype} data of shape ${listText(shape)} up to byte ${sizeText(end)}`,
    found: short ? "the end of the file" : `${fileLength - end} more bytes`,
    mend: short ? "Copy the file again, or save the array again" : "Save one array per file",
  });
}
