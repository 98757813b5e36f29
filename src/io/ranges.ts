/** Files that are read part by part. */
import { FileFormatError } from "./errors.ts";
import { headerLength, PREFIX_BYTES, readHeader, type SafetensorsHeader } from "./safetensors-header.ts";

/** A file of which any part can be read: on a disk, behind a URL, in memory. */
export interface RangeFile {
  /** Path or label used in errors. */
  readonly name: string;
  /** Bytes in all. */
  readonly size: number;
  /** The bytes from `begin` up to, not including, `end`. May give fewer where the file has shrunk. */
  read(begin: number, end: number, signal?: AbortSignal): Promise<Uint8Array>;
}

/**
 * The bytes from `begin` up to `end`, all of them.
 *
 * @throws FileFormatError if the file ends before.
 */
export async function readRange(
  file: RangeFile,
  begin: number,
  end: number,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const bytes = await file.read(begin, end, signal);
  if (bytes.length === end - begin) return bytes;
  throw new FileFormatError({
    file: file.name,
    offset: begin + bytes.length,
    reason: "the file ends early",
    expected: `${end - begin} bytes from byte ${begin}`,
    found: `${bytes.length}`,
    mend: "Copy the file again, it is probably cut off",
  });
}

/**
 * The header of a safetensors file, checked against the size of the file; of the file itself nothing else is read.
 *
 * @throws FileFormatError for anything that the format does not allow, a file that was cut off among it.
 */
export async function readSafetensorsHeader(file: RangeFile, signal?: AbortSignal): Promise<SafetensorsHeader> {
  const prefix = await readRange(file, 0, Math.min(PREFIX_BYTES, file.size), signal);
  const end = PREFIX_BYTES + headerLength(prefix, file.name, file.size);
  return readHeader(await readRange(file, 0, end, signal), file.name, file.size);
}
