import { quote } from "./text.ts";

/** A parsed JSON value that remembers where it starts, as an index into the text. */
export type JsonNode =
  | { readonly kind: "object"; readonly at: number; readonly entries: ReadonlyMap<string, JsonNode> }
  | { readonly kind: "array"; readonly at: number; readonly items: readonly JsonNode[] }
  | { readonly kind: "string"; readonly at: number; readonly value: string }
  | { readonly kind: "number"; readonly at: number; readonly text: string }
  | { readonly kind: "literal"; readonly at: number; readonly text: "true" | "false" | "null" };

/** Makes the error for what is wrong at an index of the text. */
export type FaultAt = (index: number, reason: string, expected: string, found: string) => Error;

const DEEPEST = 16;
const LONGEST_NUMBER = 400;
const LITERALS = ["true", "false", "null"] as const;
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/**
 * Parses strict JSON (RFC 8259), with three restrictions a file header can do without: no name twice in an object, at
 * most 16 levels, numbers of at most 400 characters.
 *
 * Throws what `fault` makes of the first offence.
 */
export function parseJson(text: string, fault: FaultAt): JsonNode {
  const reader = new JsonReader(text, fault);
  const node = reader.value(0);
  reader.end();
  return node;
}

/** The whole number from 0 to 2^53 - 1 that a node spells in plain digits, or undefined. */
export function wholeNumber(node: JsonNode): number | undefined {
  if (node.kind !== "number" || !/^\d+$/.test(node.text)) return undefined;
  const value = Number(node.text);
  return Number.isSafeInteger(value) ? value : undefined;
}

/** A short description of a node for an error message. */
export function describeNode(node: JsonNode): string {
  switch (node.kind) {
    case "object":
      return "an object";
    case "array":
      return `an array of length ${node.items.length}`;
    case "string":
      return `the string ${quote(node.value)}`;
    default:
      return node.text.length > 40 ? `${node.text.slice(0, 40)}…` : node.text;
  }
}

class JsonReader {
  private index = 0;

  constructor(
    private readonly text: string,
    private readonly fault: FaultAt,
  ) {}

  value(depth: number): JsonNode {
    this.skipSpace();
    const at = this.index;
    if (depth > DEEPEST) throw this.fault(at, "JSON is nested too deep", `at most ${DEEPEST} levels`, "one more");
    const first = this.text[at];
    if (first === "{") return { kind: "object", at, entries: this.object(depth) };
    if (first === "[") return { kind: "array", at, items: this.array(depth) };
    if (first === '"') return { kind: "string", at, value: this.string() };
    const literal = LITERALS.find((word) => this.text.startsWith(word, at));
    if (literal === undefined) return { kind: "number", at, text: this.number() };
    this.index += literal.length;
    return { kind: "literal", at, text: literal };
  }

  end(): void {
    this.skipSpace();
    if (this.index < this.text.length) throw this.unexpected("nothing but spaces after the JSON value");
  }

  private object(depth: number): Map<string, JsonNode> {
    const entries = new Map<string, JsonNode>();
    this.index++;
    if (this.takes("}")) return entries;
    do {
      this.skipSpace();
      const at = this.index;
      if (this.text[at] !== '"') throw this.unexpected("a name in double quotes");
      const name = this.string();
      if (entries.has(name))
        throw this.fault(at, `the name ${quote(name)} occurs twice`, "every name once", "a second");
      if (!this.takes(":")) throw this.unexpected('":"');
      entries.set(name, this.value(depth + 1));
    } while (this.takes(","));
    if (!this.takes("}")) throw this.unexpected('"," or "}"');
    return entries;
  }

  private array(depth: number): JsonNode[] {
    const items: JsonNode[] = [];
    this.index++;
    if (this.takes("]")) return items;
    do items.push(this.value(depth + 1));
    while (this.takes(","));
    if (!this.takes("]")) throw this.unexpected('"," or "]"');
    return items;
  }

  private string(): string {
    const start = this.index;
    let end = start + 1;
    for (; this.text[end] !== '"'; end++) {
      if (this.text[end] === "\\") end++;
      if (end >= this.text.length) {
        this.index = this.text.length;
        throw this.unexpected("the closing double quote of a string");
      }
    }
    this.index = end + 1;
    const value = parseString(this.text.slice(start, end + 1));
    if (value === undefined) {
      throw this.fault(
        start,
        "the text is not valid JSON",
        "a string with valid escapes and no control characters or lone surrogates",
        quote(this.text.slice(start + 1, Math.min(end, start + 100))),
      );
    }
    return value;
  }

  private number(): string {
    const start = this.index;
    let end = start;
    while (end - start <= LONGEST_NUMBER && /[-+.eE0-9]/.test(this.text.charAt(end))) end++;
    const text = this.text.slice(start, end);
    if (text === "") throw this.unexpected("a JSON value");
    if (text.length > LONGEST_NUMBER || !NUMBER.test(text)) {
      throw this.fault(start, "the text is not valid JSON", "a JSON number", quote(text));
    }
    this.index = end;
    return text;
  }

  private takes(character: string): boolean {
    this.skipSpace();
    if (this.text[this.index] !== character) return false;
    this.index++;
    return true;
  }

  private skipSpace(): void {
    for (;;) {
      const character = this.text[this.index];
      if (character !== " " && character !== "\n" && character !== "\r" && character !== "\t") return;
      this.index++;
    }
  }

  private unexpected(expected: string): Error {
    const character = String.fromCodePoint(this.text.codePointAt(this.index) ?? 0);
    const found = this.index < this.text.length ? quote(character) : "the end of the text";
    return this.fault(this.index, "the text is not valid JSON", expected, found);
  }
}

function parseString(literal: string): string | undefined {
  try {
    const value: unknown = JSON.parse(literal);
    return typeof value === "string" && !/\p{Cs}/u.test(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
