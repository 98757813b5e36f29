import { randomUUID } from "node:crypto";
import type { Stats } from "node:fs";
import { mkdir, open, readdir, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, extname, join, resolve } from "node:path";
import { FileFormatError } from "./errors.ts";
import { encodeMetadata, parseMetadata } from "./metadata.ts";
import { readNpy, writeNpy } from "./npy.ts";
import { readSafetensors, writeSafetensors } from "./safetensors.ts";
import { emptyRecord, type StoredTensor, type TensorFile, type WritableTensor } from "./tensors.ts";
import { quote } from "./text.ts";

/** Limits on what {@link readTensorFile} takes in. */
export interface ReadLimits {
  /** Most bytes to read, for a folder all its files together; 2 GiB unless given. */
  readonly maxBytes?: number | undefined;
}

const DEFAULT_MAX_BYTES = 2 ** 31;
const READ_CHUNK = 2 ** 30;
const METADATA_FILE = "__metadata__.json";

/**
 * Reads a .safetensors file, a single .npy file, or a folder of .npy files.
 *
 * A .npy file becomes a tensor named like the file without its extension. In a folder, hidden files and files of other
 * kinds are passed over; metadata are read from `__metadata__.json` if there is one. Rejects with a
 * {@link FileFormatError} for a path that is missing, unreadable, empty, too large or of another kind, and for
 * malformed content.
 */
export async function readTensorFile(path: string, limits: ReadLimits = {}): Promise<TensorFile> {
  const { maxBytes = DEFAULT_MAX_BYTES } = limits;
  if (!(maxBytes >= 0)) throw new RangeError(`maxBytes must be a number of bytes, found ${maxBytes}`);
  const status = await statOf(path);
  if (status.isDirectory()) return readFolder(path, maxBytes);
  const extension = extname(path).toLowerCase();
  if (extension === ".safetensors") return readSafetensors(await readWhole(path, maxBytes), path);
  if (extension !== ".npy") {
    throw new FileFormatError({
      file: path,
      reason: "this kind of file is not supported",
      expected: "a .safetensors file, a .npy file or a folder of .npy files",
      found: extension === "" ? "a file without extension" : `a ${extension} file`,
      mend: "Convert the tensors to one of these",
    });
  }
  const tensors = emptyRecord<StoredTensor>();
  tensors[stem(path)] = readNpy(await readWhole(path, maxBytes), path);
  return { tensors, metadata: emptyRecord() };
}

/**
 * Writes a .safetensors file, or a folder of one .npy file per tensor when the path ends in a slash, has no extension
 * or is a folder already.
 *
 * All or nothing: the output is written under a temporary name in the same folder and renamed when complete; on
 * failure it is removed and whatever was there before stays. An existing file or folder is replaced, a folder only if
 * it holds nothing but such files. In a folder, metadata go to `__metadata__.json`. Rejects with a
 * {@link FileFormatError}.
 */
export async function writeTensorFile(
  path: string,
  tensors: Readonly<Record<string, WritableTensor>>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const target = await targetOf(path);
  if (target.folder) await replaceFolder(path, target.path, encodeFolder(path, tensors, metadata));
  else await replaceFile(path, target.path, writeSafetensors(tensors, metadata, path));
}

async function readFolder(folder: string, maxBytes: number): Promise<TensorFile> {
  const names = (await onDisk(folder, "be listed", () => readdir(folder))).sort();
  const arrays = names.filter((name) => !name.startsWith(".") && extname(name).toLowerCase() === ".npy");
  if (arrays.length === 0) {
    throw new FileFormatError({
      file: folder,
      reason: "the folder has no .npy file",
      expected: "at least one .npy file",
      found: names.length === 0 ? "an empty folder" : `${names.length} other entries, such as ${quote(names[0]!)}`,
      mend: "Name the folder that holds the .npy files, or a .safetensors file itself",
    });
  }
  let room = maxBytes;
  const readNext = async (name: string) => {
    const bytes = await readWhole(join(folder, name), room, maxBytes);
    room -= bytes.length;
    return bytes;
  };
  const tensors = emptyRecord<StoredTensor>();
  for (const name of arrays) {
    const file = join(folder, name);
    if (stem(name) in tensors) {
      throw new FileFormatError({
        file,
        reason: `the folder has two files for tensor ${quote(stem(name))}`,
        expected: "one file per tensor",
        found: "names that differ only in the case of their extension",
        mend: "Rename or remove one of them",
      });
    }
    tensors[stem(name)] = readNpy(await readNext(name), file);
  }
  if (!names.includes(METADATA_FILE)) return { tensors, metadata: emptyRecord() };
  return { tensors, metadata: parseMetadata(await readNext(METADATA_FILE), join(folder, METADATA_FILE)) };
}

async function readWhole(file: string, room: number, maxBytes = room): Promise<Uint8Array> {
  const status = await statOf(file);
  if (!status.isFile()) {
    throw new FileFormatError({
      file,
      reason: "this is not a regular file",
      expected: "a regular file",
      found: status.isDirectory() ? "a folder" : "a device, pipe or socket",
      mend: "Copy the content to a regular file and name that",
    });
  }
  if (status.size > room) {
    throw new FileFormatError({
      file,
      reason: `the file of ${status.size} bytes is too large`,
      expected: room === maxBytes ? `at most ${maxBytes} bytes` : `at most ${maxBytes} bytes in the whole folder`,
      found: room === maxBytes ? `${status.size} bytes` : `${maxBytes - room + status.size} bytes up to this file`,
      mend: "Raise maxBytes, or store fewer or smaller tensors",
    });
  }
  return onDisk(file, "be read", async () => {
    const handle = await open(file, "r");
    try {
      const bytes = new Uint8Array(status.size);
      let filled = 0;
      while (filled < bytes.length) {
        const { bytesRead } = await handle.read(bytes, filled, Math.min(READ_CHUNK, bytes.length - filled), filled);
        if (bytesRead === 0) return bytes.subarray(0, filled);
        filled += bytesRead;
      }
      return bytes;
    } finally {
      await handle.close();
    }
  });
}

function encodeFolder(
  folder: string,
  tensors: Readonly<Record<string, WritableTensor>>,
  metadata: Readonly<Record<string, string>>,
): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  for (const [name, tensor] of Object.entries(tensors)) {
    refuseFileName(name, folder);
    files.set(`${name}.npy`, writeNpy(tensor, join(folder, `${name}.npy`)));
  }
  if (files.size === 0) {
    throw new FileFormatError({
      file: folder,
      reason: "there is no tensor to write",
      expected: "at least one tensor",
      found: "none",
      mend: "Pass a tensor, or write a .safetensors file, which can be empty",
    });
  }
  const texts = encodeMetadata(metadata, join(folder, METADATA_FILE));
  if (texts !== "{}") files.set(METADATA_FILE, new TextEncoder().encode(texts));
  return files;
}

function refuseFileName(name: string, folder: string): void {
  if (name !== "" && !name.startsWith(".") && !/[/\\:*?"<>|\p{Cc}\p{Cs}]/u.test(name)) return;
  throw new FileFormatError({
    file: folder,
    reason: `tensor ${quote(name)} cannot name a .npy file`,
    expected: 'a name without any of / \\ : * ? " < > |, without control characters and not starting with a dot',
    found: quote(name),
    mend: "Rename the tensor, or write a .safetensors file",
  });
}

async function targetOf(path: string): Promise<{ path: string; folder: boolean }> {
  const real = await realpath(path).catch(() => resolve(path));
  const status = await stat(real).catch(() => undefined);
  const extension = extname(path).toLowerCase();
  const slash = /[/\\]$/.test(path);
  if (!slash && extension === ".safetensors") return { path: real, folder: false };
  if (status ? status.isDirectory() : slash || extension === "") return { path: real, folder: true };
  throw new FileFormatError({
    file: path,
    reason: "tensors cannot be written to this path",
    expected: "a path ending in .safetensors, or a folder",
    found: status ? "a file of another kind" : `the extension ${extension}`,
    mend: "End the path in .safetensors, or in a slash for a folder of .npy files",
  });
}

async function replaceFile(file: string, target: string, bytes: Uint8Array): Promise<void> {
  const temporary = temporaryBeside(target);
  await onDisk(file, "be written", async () => {
    try {
      await writeNew(temporary, bytes);
      await rename(temporary, target);
    } catch (error) {
      await remove(temporary);
      throw error;
    }
  });
}

async function replaceFolder(folder: string, target: string, files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  const previous = await stat(target).catch(() => undefined);
  if (previous) await refuseForeign(folder, target);
  const temporary = temporaryBeside(target);
  await onDisk(folder, "be written", async () => {
    try {
      await mkdir(temporary);
      for (const [name, bytes] of files) await writeNew(join(temporary, name), bytes);
      await (previous ? swap(temporary, target) : rename(temporary, target));
    } catch (error) {
      await remove(temporary);
      throw error;
    }
  });
}

async function refuseForeign(folder: string, target: string): Promise<void> {
  const entries = await onDisk(folder, "be listed", () => readdir(target, { withFileTypes: true }));
  const foreign = entries.find(
    (entry) => !entry.isFile() || (entry.name !== METADATA_FILE && extname(entry.name).toLowerCase() !== ".npy"),
  );
  if (!foreign) return;
  throw new FileFormatError({
    file: folder,
    reason: "the folder holds more than .npy files and would be replaced",
    expected: "a new folder, or one of .npy files only",
    found: quote(foreign.name),
    mend: "Name another folder, or move that entry away",
  });
}

async function swap(temporary: string, target: string): Promise<void> {
  const previous = temporaryBeside(target);
  await rename(target, previous);
  try {
    await rename(temporary, target);
  } catch (error) {
    await rename(previous, target);
    throw error;
  }
  await remove(previous);
}

async function writeNew(file: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(file, "wx");
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function temporaryBeside(target: string): string {
  return join(dirname(target), `.attnspec-${randomUUID()}.tmp`);
}

/** Removes what is left of a failed write; a failure to do so must not hide the first one. */
async function remove(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true }).catch(() => undefined);
}

function stem(path: string): string {
  return basename(path, extname(path));
}

function statOf(path: string): Promise<Stats> {
  return onDisk(path, "be read", () => stat(path));
}

async function onDisk<Result>(file: string, action: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
    const missing = code === "ENOENT";
    throw new FileFormatError({
      file,
      reason: missing ? "the path does not exist" : `the path cannot ${action}`,
      expected: missing ? "an existing path" : `a path that can ${action}`,
      found: code,
      mend: missing ? "Check the spelling, and that its folder exists" : "Check the path and its permissions",
      cause,
    });
  }
}
