const LONGEST_QUOTE = 80;

/** Replaces control, format and lone surrogate characters by `\u{…}`, so that untrusted text is safe to print. */
export function escapeControls(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}

/** The text in double quotes, made safe to print and cut after 80 characters. */
export function quote(text: string): string {
  const cut = text.length > LONGEST_QUOTE;
  return `${escapeControls(JSON.stringify(cut ? text.slice(0, LONGEST_QUOTE) : text))}${cut ? "…" : ""}`;
}

/** Whether the text has no lone surrogate, and so has a UTF-8 encoding. */
export function isWellFormed(text: string): boolean {
  return !/\p{Cs}/u.test(text);
}

/** Orders two well-formed texts by code point, which is also the order of their UTF-8 bytes. */
export function compareCodePoints(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  let index = 0;
  while (index < length && left.charCodeAt(index) === right.charCodeAt(index)) index++;
  if (index === length) return left.length - right.length;
  return left.codePointAt(index)! - right.codePointAt(index)!;
}

/** A shape or an index as `[2, 3]`, cut after 16 entries. */
export function listText(entries: readonly number[]): string {
  return `[${entries.slice(0, 16).join(", ")}${entries.length > 16 ? ", …" : ""}]`;
}
