/**
 * Decodes strict UTF-8 (a byte order mark is kept as a character).
 *
 * Throws what `fault` makes of the index of the first byte that cannot belong to UTF-8 text.
 */
export function decodeUtf8(bytes: Uint8Array, fault: (index: number) => Error): string {
  const own = new Uint8Array(bytes);
  const text = decodePrefix(own, false);
  if (text === undefined) throw fault(firstInvalidByte(own));
  return text;
}

/** Number of bytes of the UTF-8 encoding of the first `end` UTF-16 units of a text. */
export function utf8Length(text: string, end: number): number {
  return new TextEncoder().encode(text.slice(0, end)).length;
}

function decodePrefix(bytes: Uint8Array<ArrayBuffer>, unfinished: boolean): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes, { stream: unfinished });
  } catch {
    return undefined;
  }
}

function firstInvalidByte(bytes: Uint8Array<ArrayBuffer>): number {
  let valid = 0;
  let invalid = bytes.length + 1;
  while (invalid - valid > 1) {
    const middle = (valid + invalid) >> 1;
    const broken = middle > bytes.length || decodePrefix(bytes.subarray(0, middle), true) === undefined;
    if (broken) invalid = middle;
    else valid = middle;
  }
  return invalid - 1;
}
