import { escapeControls } from "./text.ts";

/** What a {@link FileFormatError} has to say; every text is a phrase without a final full stop. */
export interface FormatFault {
  /** Path or label of the file. */
  readonly file: string;
  /** Byte counted from the start of the file, where a single byte is to blame. */
  readonly offset?: number | undefined;
  /** What is wrong. */
  readonly reason: string;
  /** What should have been there. */
  readonly expected: string;
  /** What was there instead. */
  readonly found: string;
  /** How to put it right, as a sentence starting with a capital. */
  readonly mend: string;
  /** The lower-level error behind this one, if any. */
  readonly cause?: unknown;
}

/**
 * A tensor file that cannot be read, or tensors that cannot be written to one.
 *
 * The message names the file, what is wrong, at which byte, what was expected, what was found and how to mend it.
 */
export class FileFormatError extends Error {
  override readonly name = "FileFormatError";
  /** Path or label of the file. */
  readonly file: string;
  /** Byte counted from the start of the file, or undefined when no single byte is to blame. */
  readonly offset: number | undefined;
  /** What is wrong, without the file name, the offset or the remedy. */
  readonly reason: string;

  constructor(fault: FormatFault) {
    const place = fault.offset === undefined ? "" : `, at byte ${fault.offset}`;
    super(
      `${escapeControls(fault.file)}: ${fault.reason}${place}: ` +
        `expected ${fault.expected}, found ${fault.found}. ${fault.mend}.`,
      fault.cause === undefined ? undefined : { cause: fault.cause },
    );
    this.file = fault.file;
    this.offset = fault.offset;
    this.reason = fault.reason;
  }
}
