import { FileFormatError } from "./errors.ts";
import { describeNode, type FaultAt, type JsonNode, parseJson } from "./json.ts";
import { emptyRecord } from "./tensors.ts";
import { compareCodePoints, isWellFormed, quote } from "./text.ts";
import { decodeUtf8, utf8Length } from "./utf8.ts";

/** The texts of a parsed metadata object; throws what `fault` makes of anything that is not a text. */
export function readMetadata(node: JsonNode, fault: FaultAt): Record<string, string> {
  if (node.kind !== "object")
    throw fault(node.at, "the metadata is not an object", "a JSON object", describeNode(node));
  const metadata = emptyRecord<string>();
  for (const [name, value] of node.entries) {
    if (value.kind !== "string") {
      throw fault(value.at, `metadata ${quote(name)} is not a text`, "a string", describeNode(value));
    }
    metadata[name] = value.value;
  }
  return metadata;
}

/** The metadata as a JSON object of strings, ordered by name; throws a {@link FileFormatError} for what is no text. */
export function encodeMetadata(metadata: Readonly<Record<string, string>>, file: string): string {
  const entries = Object.entries(metadata).sort(([left], [right]) => compareCodePoints(left, right));
  const fields = entries.map(([name, value]: [string, unknown]) => {
    if (typeof value === "string" && isWellFormed(name) && isWellFormed(value)) {
      return `${JSON.stringify(name)}:${JSON.stringify(value)}`;
    }
    throw new FileFormatError({
      file,
      reason: `metadata ${quote(name)} cannot be stored`,
      expected: "a well-formed text",
      found: typeof value === "string" ? quote(value) : typeof value,
      mend: "Turn the value into a text",
    });
  });
  return `{${fields.join(",")}}`;
}

/** Parses a file that holds nothing but a metadata object; throws a {@link FileFormatError}. */
export function parseMetadata(bytes: Uint8Array, file: string): Record<string, string> {
  const mend = "Correct the file, or remove it";
  const text = decodeUtf8(
    bytes,
    (offset) =>
      new FileFormatError({
        file,
        offset,
        reason: "the file is not UTF-8",
        expected: "UTF-8 text",
        found: "a byte that cannot be part of it",
        mend,
      }),
  );
  const fault: FaultAt = (index, reason, expected, found) =>
    new FileFormatError({ file, offset: utf8Length(text, index), reason, expected, found, mend });
  return readMetadata(parseJson(text, fault), fault);
}
