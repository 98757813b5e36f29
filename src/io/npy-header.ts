import { FileFormatError } from "./errors.ts";
import { quote } from "./text.ts";

/** What the header of a .npy file says. */
export interface NpyHeader {
  /** NumPy's type string, such as `<f8`. */
  readonly descr: string;
  /** Whether the first axis is the fastest in the file. */
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
  /** Byte of the file at which the header text starts. */
  readonly textStart: number;
  /** Byte of the file at which the data start. */
  readonly dataStart: number;
}

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59] as const;
const LARGEST_HEADER = 2 ** 20;
const SPACE = /[ \t\r\n]*/y;
const STRING = /'([^'\\\n]*)'|"([^"\\\n]*)"/y;
const INTEGER = /([0-9]+)L?/y;
const BOOLEAN = /(True|False)(?![A-Za-z0-9_])/y;

/** Reads the magic string, the version (1.0, 2.0 or 3.0) and the header; throws a {@link FileFormatError}. */
export function readNpyHeader(bytes: Uint8Array, file: string): NpyHeader {
  const { textStart, textLength } = frame(bytes, file);
  const dataStart = textStart + textLength;
  let text = "";
  for (const byte of bytes.subarray(textStart, dataStart)) text += String.fromCharCode(byte);
  return { ...new DictReader(text, textStart, file).read(), textStart, dataStart };
}

/** Writes the start of a .npy file up to the data, padded to a multiple of 64 bytes as NumPy pads it. */
export function writeNpyHeader(descr: string, shape: readonly number[]): Uint8Array {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  const spare = shape.length === 0 ? "" : " ".repeat(Math.max(0, 21 - `${shape[0]}`.length));
  const dict = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${tuple}, }${spare}`;
  const short = padded(dict, 10);
  const version = short.length < 2 ** 16 ? 1 : 2;
  const text = version === 1 ? short : padded(dict, 12);
  const textStart = version === 1 ? 10 : 12;
  const header = new Uint8Array(textStart + text.length);
  header.set([...MAGIC, version, 0]);
  const view = new DataView(header.buffer);
  if (version === 1) view.setUint16(8, text.length, true);
  else view.setUint32(8, text.length, true);
  header.set(new TextEncoder().encode(text), textStart);
  return header;
}

function padded(dict: string, textStart: number): string {
  const length = textStart + dict.length + 1;
  return `${dict}${" ".repeat(64 - (length % 64))}\n`;
}

function frame(bytes: Uint8Array, file: string): { textStart: number; textLength: number } {
  const fail = (offset: number, reason: string, expected: string, found: string) =>
    new FileFormatError({
      file,
      offset,
      reason,
      expected,
      found,
      mend: "Check that this is a .npy file and that it was copied whole",
    });
  if (bytes.length === 0) throw fail(0, "the file is empty", "a .npy file", "0 bytes");
  const wrong = MAGIC.findIndex((byte, index) => bytes[index] !== byte);
  if (wrong >= 0)
    throw fail(wrong, "the file has no .npy magic string", byteText(MAGIC[wrong]), byteText(bytes[wrong]));
  if (bytes.length < 8) throw fail(bytes.length, "the file ends within its version", "8 bytes", `${bytes.length}`);
  const [major, minor] = bytes.subarray(6, 8);
  if (major! < 1 || major! > 3 || minor !== 0) {
    throw fail(6, "the .npy version is unknown", "1.0, 2.0 or 3.0", `${major}.${minor}`);
  }
  const textStart = major === 1 ? 10 : 12;
  if (bytes.length < textStart) {
    throw fail(bytes.length, "the file ends within its header length", `${textStart} bytes`, `${bytes.length}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, textStart);
  const textLength = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (textLength > LARGEST_HEADER) {
    throw fail(8, "the header length is over the limit of 1 MiB", `at most ${LARGEST_HEADER} bytes`, `${textLength}`);
  }
  if (textStart + textLength > bytes.length) {
    const end = `byte ${textStart + textLength}`;
    throw fail(bytes.length, "the file ends within its header", `a header up to ${end}`, "the end of the file");
  }
  return { textStart, textLength };
}

function byteText(byte: number | undefined): string {
  return byte === undefined ? "the end of the file" : `the byte 0x${byte.toString(16).padStart(2, "0")}`;
}

/** Reads the one kind of Python dict literal a .npy header may hold. */
class DictReader {
  private index = 0;
  private descr: string | undefined;
  private fortranOrder: boolean | undefined;
  private shape: readonly number[] | undefined;

  constructor(
    private readonly text: string,
    private readonly textStart: number,
    private readonly file: string,
  ) {}

  read(): { descr: string; fortranOrder: boolean; shape: readonly number[] } {
    this.expect("{");
    while (!this.takes("}")) {
      this.entry();
      if (this.takes(",")) continue;
      this.expect("}");
      break;
    }
    this.match(SPACE);
    if (this.index < this.text.length) throw this.unexpected("only spaces after the header dict");
    const { descr, fortranOrder, shape } = this;
    if (descr === undefined) throw this.lacks("descr");
    if (fortranOrder === undefined) throw this.lacks("fortran_order");
    if (shape === undefined) throw this.lacks("shape");
    return { descr, fortranOrder, shape };
  }

  private entry(): void {
    const at = this.skipSpace();
    const key = this.string("a key in quotes");
    this.expect(":");
    this.skipSpace();
    if (key === "descr" && this.descr === undefined) this.descr = this.typeString();
    else if (key === "fortran_order" && this.fortranOrder === undefined) this.fortranOrder = this.boolean();
    else if (key === "shape" && this.shape === undefined) this.shape = this.tuple();
    else throw this.fail(at, "descr, fortran_order and shape, each once", `the key ${quote(key)}`);
  }

  private typeString(): string {
    const first = this.text.charAt(this.index);
    if (first !== "[" && first !== "(") return this.string("a type string in quotes");
    throw new FileFormatError({
      file: this.file,
      offset: this.textStart + this.index,
      reason: "the array has a structured dtype",
      expected: "a number type such as '<f8'",
      found: quote(this.text.slice(this.index, this.index + 60)),
      mend: "Save each field as an array of its own",
    });
  }

  private tuple(): number[] {
    const lengths: number[] = [];
    this.expect("(");
    while (!this.takes(")")) {
      const at = this.skipSpace();
      const digits = this.match(INTEGER)?.[1];
      if (digits === undefined) throw this.unexpected("an axis length of plain digits");
      const length = Number(digits);
      if (!Number.isSafeInteger(length)) throw this.fail(at, "an axis length of at most 2^53 - 1", digits.slice(0, 40));
      lengths.push(length);
      if (this.takes(",")) continue;
      if (lengths.length === 1) throw this.unexpected('"," (a tuple of one)');
      this.expect(")");
      break;
    }
    return lengths;
  }

  private boolean(): boolean {
    const word = this.match(BOOLEAN)?.[1];
    if (word === undefined) throw this.unexpected("True or False");
    return word === "True";
  }

  private string(expected: string): string {
    const found = this.match(STRING);
    if (!found) throw this.unexpected(expected);
    return found[1] ?? found[2] ?? "";
  }

  private match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.index;
    const found = pattern.exec(this.text);
    if (!found) return undefined;
    this.index += found[0].length;
    return found;
  }

  private skipSpace(): number {
    this.match(SPACE);
    return this.index;
  }

  private takes(character: string): boolean {
    this.skipSpace();
    if (this.text[this.index] !== character) return false;
    this.index++;
    return true;
  }

  private expect(character: string): void {
    if (!this.takes(character)) throw this.unexpected(quote(character));
  }

  private unexpected(expected: string): FileFormatError {
    const rest = this.text.slice(this.index, this.index + 20);
    return this.fail(this.index, expected, rest === "" ? "the end of the header" : quote(rest));
  }

  private lacks(key: string): FileFormatError {
    return this.fail(0, `the key ${quote(key)}`, "a header without it");
  }

  private fail(index: number, expected: string, found: string): FileFormatError {
    return new FileFormatError({
      file: this.file,
      offset: this.textStart + index,
      reason: "the header dict is malformed",
      expected,
      found,
      mend: "Save the array again with numpy.save",
    });
  }
}
