import { byteSize, DTYPES, type Dtype, isDtype } from "./dtypes.ts";
import { FileFormatError } from "./errors.ts";
import { describeNode, type FaultAt, type JsonNode, parseJson, wholeNumber } from "./json.ts";
import { readMetadata } from "./metadata.ts";
import { elementCount, sizeText } from "./shapes.ts";
import { emptyRecord } from "./tensors.ts";
import { listText, quote } from "./text.ts";
import { decodeUtf8, utf8Length } from "./utf8.ts";

/** Bytes of the little-endian header length at the start of a safetensors file. */
export const PREFIX_BYTES = 8;

/** Most bytes a safetensors header may have. */
export const LARGEST_HEADER = 100_000_000;

/** A tensor as the header describes it. */
export interface TensorEntry {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Number of elements. */
  readonly count: number;
  /** First byte within the data section. */
  readonly begin: number;
  /** First byte past the tensor within the data section. */
  readonly end: number;
}

/** A checked header: its tensors fill the data section without gaps or overlaps. */
export interface SafetensorsHeader {
  readonly tensors: readonly TensorEntry[];
  readonly metadata: Record<string, string>;
  /** Byte of the file at which the data section starts. */
  readonly dataStart: number;
}

/**
 * Reads and checks the header against the file it heads; throws a {@link FileFormatError}.
 *
 * @param bytes the file, or as much of it as holds the header
 * @param size bytes of the whole file
 */
export function readHeader(bytes: Uint8Array, file: string, size = bytes.length): SafetensorsHeader {
  const dataStart = PREFIX_BYTES + headerLength(bytes, file, size);
  const text = decodeUtf8(bytes.subarray(PREFIX_BYTES, dataStart), (index) =>
    notUtf8(bytes, PREFIX_BYTES + index, file),
  );
  const fault: FaultAt = (index, reason, expected, found) =>
    new FileFormatError({
      file,
      offset: PREFIX_BYTES + utf8Length(text, index),
      reason,
      expected,
      found,
      mend: "Write the file again with a safetensors writer",
    });
  const root = headerObject(text, fault);
  const dataLength = size - dataStart;
  const tensors: LocatedEntry[] = [];
  let metadata = emptyRecord<string>();
  for (const [name, node] of root) {
    if (name === "__metadata__") metadata = readMetadata(node, fault);
    else tensors.push(new EntryReader(name, node, fault).read());
  }
  refuseGaps(tensors, dataStart, dataLength, file, fault);
  return { tensors, metadata, dataStart };
}

interface LocatedEntry extends TensorEntry {
  /** Where the header gives the tensor's offsets. */
  readonly at: number;
}

/** Bytes of the header, given at least the prefix of a file of `size` bytes. */
export function headerLength(bytes: Uint8Array, file: string, size: number): number {
  const mend = "Check that this is a safetensors file and that it was copied whole";
  if (bytes.length < PREFIX_BYTES) {
    throw new FileFormatError({
      file,
      offset: bytes.length,
      reason: bytes.length === 0 ? "the file is empty" : "the file ends within its header length",
      expected: `at least ${PREFIX_BYTES} bytes`,
      found: `${bytes.length}`,
      mend,
    });
  }
  const length = new DataView(bytes.buffer, bytes.byteOffset, PREFIX_BYTES).getBigUint64(0, true);
  const room = size - PREFIX_BYTES;
  if (length > LARGEST_HEADER) {
    throw new FileFormatError({
      file,
      offset: 0,
      reason: "the header length is over the limit of 100 MB",
      expected: `at most ${LARGEST_HEADER} bytes`,
      found: `${length} (in a file of ${size} bytes)`,
      mend,
    });
  }
  if (length > room) {
    throw new FileFormatError({
      file,
      offset: 0,
      reason: "the header length reaches beyond the end of the file",
      expected: `at most the ${room} bytes that follow`,
      found: `${length}`,
      mend,
    });
  }
  return Number(length);
}

function notUtf8(bytes: Uint8Array, offset: number, file: string): FileFormatError {
  return new FileFormatError({
    file,
    offset,
    reason: "the header is not UTF-8",
    expected: "UTF-8 text",
    found: offset < bytes.length ? `the byte 0x${bytes[offset]!.toString(16).padStart(2, "0")}` : "the end of the file",
    mend: "Write the file again with a safetensors writer",
  });
}

function headerObject(text: string, fault: FaultAt): ReadonlyMap<string, JsonNode> {
  const root = parseJson(text, fault);
  if (root.kind !== "object") throw fault(root.at, "the header is not an object", "a JSON object", describeNode(root));
  if (root.at !== 0) throw fault(0, "the header does not start with its object", '"{"', quote(text.slice(0, 1)));
  return root.entries;
}

class EntryReader {
  constructor(
    private readonly name: string,
    private readonly node: JsonNode,
    private readonly fault: FaultAt,
  ) {}

  read(): LocatedEntry {
    const dtype = this.dtype();
    const shape = this.shape();
    const offsets = this.field("data_offsets");
    const [begin, end] = this.offsets(offsets);
    const count = elementCount(shape);
    const length = count * byteSize(dtype);
    if (end - begin !== length) {
      throw this.wrong(
        offsets,
        "has a byte length that is not its shape times its element size",
        `${sizeText(length)} bytes for shape ${listText(shape)} of ${dtype}`,
        `${end - begin} bytes (data_offsets ${listText([begin, end])})`,
      );
    }
    return { name: this.name, dtype, shape, count, begin, end, at: offsets.at };
  }

  private dtype(): Dtype {
    const node = this.field("dtype");
    if (node.kind === "string" && isDtype(node.value)) return node.value;
    throw this.wrong(node, "has an unknown dtype", `one of ${DTYPES.join(", ")}`, describeNode(node));
  }

  private shape(): number[] {
    const node = this.field("shape");
    if (node.kind !== "array") throw this.wrong(node, "has a shape that is no list", "an array", describeNode(node));
    return node.items.map((item) => {
      const length = wholeNumber(item);
      if (length !== undefined) return length;
      throw this.wrong(item, "has an impossible axis length", "a whole number from 0 to 2^53 - 1", describeNode(item));
    });
  }

  private offsets(node: JsonNode): [number, number] {
    const [begin, end] = node.kind === "array" && node.items.length === 2 ? node.items.map(wholeNumber) : [];
    if (begin !== undefined && end !== undefined && begin <= end) return [begin, end];
    const pair =
      node.kind === "array" ? `[${node.items.map(describeNode).slice(0, 3).join(", ")}]` : describeNode(node);
    throw this.wrong(node, "has data_offsets that are no ordered pair", "[begin, end] with begin <= end", pair);
  }

  private field(field: string): JsonNode {
    const { node } = this;
    if (node.kind !== "object") throw this.wrong(node, "has no description", "a JSON object", describeNode(node));
    const value = node.entries.get(field);
    if (value === undefined) throw this.wrong(node, `lacks the field ${field}`, quote(field), "no such field");
    return value;
  }

  private wrong(node: JsonNode, reason: string, expected: string, found: string): Error {
    return this.fault(node.at, `tensor ${quote(this.name)} ${reason}`, expected, found);
  }
}

function refuseGaps(
  tensors: readonly LocatedEntry[],
  dataStart: number,
  dataLength: number,
  file: string,
  fault: FaultAt,
): void {
  const inOrder = [...tensors].sort((left, right) => left.begin - right.begin || left.end - right.end);
  let end = 0;
  for (const tensor of inOrder) {
    const label = `tensor ${quote(tensor.name)}`;
    if (tensor.begin !== end) {
      const reason = tensor.begin < end ? "overlaps the tensor before it" : "leaves a hole before it";
      throw fault(tensor.at, `${label} ${reason}`, `data_offsets starting at ${end}`, `${tensor.begin}`);
    }
    end = tensor.end;
    if (end > dataLength) throw truncated(label, dataStart, end, dataLength, file);
  }
  if (end < dataLength) throw trailing(dataStart + end, dataLength - end, file);
}

function truncated(label: string, dataStart: number, end: number, dataLength: number, file: string): FileFormatError {
  return new FileFormatError({
    file,
    offset: dataStart + dataLength,
    reason: `${label} reaches beyond the end of the file`,
    expected: `data up to byte ${dataStart + end}`,
    found: `the end of the file, ${end - dataLength} bytes short`,
    mend: "Copy the file again, it is probably cut off, or correct the tensor's data_offsets",
  });
}

function trailing(offset: number, surplus: number, file: string): FileFormatError {
  return new FileFormatError({
    file,
    offset,
    reason: "bytes follow the last tensor",
    expected: "the end of the file",
    found: `${surplus} more bytes`,
    mend: "Cut the file there, or describe those bytes as a tensor in the header",
  });
}
