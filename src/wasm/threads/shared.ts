/** The kernels' module over shared memory: the same code, told so where it asks for its memory. */

/** Pages of 64 KiB: all that 32-bit addresses reach. */
export const mostPages = 65536;

/** Section of imports, and kinds of those. */
const [imports, memory] = [2, 2];

/**
 * The same module whose imported memory is shared: its limits say so, and how far it may grow. Loads and stores are the
 * same instructions either way.
 *
 * @throws Error if the module imports no memory as its one import.
 */
export function sharing(source: BufferSource): Uint8Array<ArrayBuffer> {
  const bytes = ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
    : new Uint8Array(source);
  for (let at = 8; at < bytes.length; ) {
    const section = bytes[at]!;
    const [length, start] = number(bytes, at + 1);
    if (section !== imports) {
      at = start + length;
      continue;
    }
    const body = shared(bytes.subarray(start, start + length));
    const parts = [
      bytes.subarray(0, at + 1),
      Uint8Array.from(unsigned(body.length)),
      body,
      bytes.subarray(start + length),
    ];
    const whole = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
    let to = 0;
    for (const part of parts) {
      whole.set(part, to);
      to += part.length;
    }
    return whole;
  }
  throw new Error("the module imports nothing");
}

/** One import: module and name, each with its length, the kind, then flags and limits. */
function shared(body: Uint8Array): Uint8Array {
  const [count, first] = number(body, 0);
  let at = first;
  for (let i = 0; i < 2; i++) {
    const [length, start] = number(body, at);
    at = start + length;
  }
  if (count !== 1 || body[at] !== memory) throw new Error("the module imports more or less than a memory");
  const [least] = number(body, at + 2);
  return Uint8Array.from([...body.subarray(0, at + 1), 3, ...unsigned(least), ...unsigned(mostPages)]);
}

/** A number in groups of seven bits, and where what follows it begins. */
function number(bytes: Uint8Array, at: number): [number, number] {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++]!;
    value += (byte & 127) * 2 ** shift;
    if (byte < 128) return [value, at];
  }
}

const unsigned = (n: number): number[] => (n < 128 ? [n] : [(n & 127) | 128, ...unsigned(n >>> 7)]);
