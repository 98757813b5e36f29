/** Tokens one by one to text: characters come out whole, and nothing of a stop string does. */

/** What a decoder puts for bytes that are no character, and for those of one that is not complete. */
const unfinished = "\uFFFD";
/** A character has at most this many bytes, so tokens. */
const longest = 4;

export class TextStream {
  readonly #decode: (tokens: readonly number[]) => string;
  readonly #stops: readonly string[];
  /** Tokens whose text is out, kept since a decoder treats the first of a text differently. */
  #before: readonly number[] = [];
  #pending: number[] = [];
  /** Text that may be the beginning of a stop string. */
  #held = "";
  #stopped = false;

  constructor(decode: (tokens: readonly number[]) => string, stops: readonly string[] = []) {
    this.#decode = decode;
    this.#stops = stops.filter((stop) => stop !== "");
  }

  /** Whether a stop string came. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /** The text that the token completes. */
  push(token: number): string {
    this.#pending.push(token);
    const text = this.#decode([...this.#before, ...this.#pending]);
    if (text.endsWith(unfinished) && this.#pending.length < longest) return "";
    return this.#out(this.#new(text));
  }

  /** What is left at the end. */
  flush(): string {
    const rest = this.#pending.length ? this.#new(this.#decode([...this.#before, ...this.#pending])) : "";
    const text = this.#out(rest) + this.#held;
    this.#held = "";
    return text;
  }

  #new(text: string): string {
    const known = this.#before.length ? this.#decode(this.#before).length : 0;
    this.#before = this.#pending;
    this.#pending = [];
    return text.slice(known);
  }

  /** Lets through what cannot belong to a stop string. */
  #out(text: string): string {
    if (this.#stopped) return "";
    const all = this.#held + text;
    const found = this.#stops.map((stop) => all.indexOf(stop)).filter((at) => at >= 0);
    if (found.length) {
      this.#stopped = true;
      this.#held = "";
      return all.slice(0, Math.min(...found));
    }
    const keep = Math.max(0, ...this.#stops.map((stop) => overlap(all, stop)));
    this.#held = all.slice(all.length - keep);
    return all.slice(0, all.length - keep);
  }
}

/** How many characters at the end of the text begin the stop string. */
function overlap(text: string, stop: string): number {
  for (let count = Math.min(text.length, stop.length - 1); count > 0; count--)
    if (text.endsWith(stop.slice(0, count))) return count;
  return 0;
}
