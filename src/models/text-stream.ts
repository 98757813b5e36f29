/** Tokens one by one to text: characters come out whole, and nothing of a stop string does. */

/** What a decoder puts for bytes that are no character, and for those of one that is not complete. */
const unfinished = "\uFFFD";
/** So many at most stand for one that is not complete: some decoders put one for each byte. */
const longest = 3;

export class TextStream {
  readonly #decode: (tokens: readonly number[]) => string;
  readonly #stops: readonly string[];
  /** Tokens whose text is out, kept since a decoder treats the first of a text differently. */
  #before: readonly number[] = [];
  #pending: number[] = [];
  /** Characters of the text of both that are out. */
  #known = 0;
  /** Text that may be the beginning of a stop string. */
  #held = "";
  #stopped = false;

  constructor(decode: (tokens: readonly number[]) => string, stops: readonly string[] = []) {
    this.#decode = decode;
    this.#stops = stops;
  }

  /** Whether a stop string came. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /** The text that the token completes. */
  push(token: number): string {
    this.#pending.push(token);
    const text = this.#decode([...this.#before, ...this.#pending]);
    if (!text.endsWith(unfinished)) return this.#out(this.#all(text));
    const settled = Math.max(text.search(/\uFFFD+$/), text.length - longest);
    const fresh = text.slice(this.#known, settled);
    this.#known = Math.max(this.#known, settled);
    return this.#out(fresh);
  }

  /** What is left at the end. */
  flush(): string {
    const rest = this.#pending.length ? this.#all(this.#decode([...this.#before, ...this.#pending])) : "";
    const text = this.#out(rest) + this.#held;
    this.#held = "";
    return text;
  }

  /** All of a text that is not out yet; from then on its tokens are those before. */
  #all(text: string): string {
    const fresh = text.slice(this.#known);
    this.#before = this.#pending;
    this.#pending = [];
    this.#known = this.#decode(this.#before).length;
    return fresh;
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
