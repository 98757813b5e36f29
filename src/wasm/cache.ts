/** Keys and values of the tokens so far, kept in the memory of the kernels as decode steps read them. */
import type { Arena, Region } from "./arena.ts";
import type { Attended } from "./attention/options.ts";
import { type Call, calling, shown } from "./call.ts";
import type { StepOptions } from "./decode/options.ts";
import { type RowType, rowBytes, rowTypes } from "./decode/rows.ts";
import { measureQueries } from "./decode/sizes.ts";
import { choose, type Stored, step } from "./decode/step.ts";
import type { Dots } from "./dots.ts";
import type { Exports } from "./exports.ts";
import { checked } from "./options.ts";
import type { Floats } from "./tensor.ts";

export interface CacheOptions {
  /** Hk, the number of key heads. */
  readonly heads: number;
  /** D, the width of a key. */
  readonly width: number;
  /** E, the width of a value. Default D. */
  readonly valueWidth?: number | undefined;
  /** What rows are kept as. float16 rounds to the nearest; int8 to 1/127 of a row's largest, with a scale each. Default float32. */
  readonly type?: RowType | undefined;
  /** How many keys a query sees, its own among them; pages that no further query sees are used again. Default Infinity. */
  readonly window?: number | undefined;
  /** Tokens of a page, a multiple of 4. Default 64. */
  readonly pageTokens?: number | undefined;
  /** Where pages come from, shared with other caches; it must be innermost whenever one grows. Default: one of its own. */
  readonly region?: Region | undefined;
}

export interface AppendOptions {
  /** Whether the rows are given as [Hk, T, D] (default) or as [T, Hk, D]. */
  readonly layout?: "heads-first" | "tokens-first" | undefined;
}

/**
 * A cache of pages: what it appends it copies, and it grows a page at a time. Several caches that grow in turn, as those
 * of layers, share one region.
 */
export class Cache {
  readonly heads: number;
  readonly width: number;
  readonly valueWidth: number;
  readonly type: RowType;
  readonly window: number;
  readonly pageTokens: number;
  readonly #way: { readonly dots: Dots };
  readonly #exports: Exports;
  readonly #arena: Arena;
  readonly #region: Region;
  readonly #owns: boolean;
  /** Addresses of the pages that hold tokens, in order, and of those that hold none. */
  readonly #pages: number[] = [];
  readonly #free: number[] = [];
  /** Where the values of a page begin, then the scales of its keys and of its values, and where it ends. */
  readonly #at: {
    readonly values: number;
    readonly keyScales: number;
    readonly valueScales: number;
    readonly end: number;
  };
  #first = 0;
  #length = 0;
  #special = false;
  #released = false;

  /** @throws KernelError naming the option that is missing or does not fit. */
  constructor(exports: Exports, arena: Arena, options: CacheOptions, way: { readonly dots: Dots }) {
    this.#way = way;
    const { heads, width, valueWidth = width, type = "float32", window = Infinity, pageTokens = 64, region } = options;
    this.#exports = exports;
    this.#arena = arena;
    calling("cache", arena, (call) => {
      for (const [name, count] of Object.entries({ heads, width, valueWidth, pageTokens }))
        if (!Number.isSafeInteger(count) || count < 1)
          call.fail(name, `${name} must be a whole number above 0, got ${count}`);
      if (pageTokens % 4 !== 0) call.fail("pageTokens", `pageTokens must be a multiple of 4, got ${pageTokens}`);
      if (window !== Infinity && !(Number.isSafeInteger(window) && window >= 1))
        call.fail("window", `window must be a whole number of keys above 0 or Infinity, got ${window}`);
      choose(call, "type", type, rowTypes);
    });
    this.heads = heads;
    this.width = width;
    this.valueWidth = valueWidth;
    this.type = type;
    this.window = window;
    this.pageTokens = pageTokens;
    const rows = pageTokens * heads;
    const values = align(rows * width * rowBytes[type]);
    const keyScales = values + align(rows * valueWidth * rowBytes[type]);
    const scales = type === "int8" ? align(4 * rows) : 0;
    this.#at = { values, keyScales, valueScales: keyScales + scales, end: keyScales + 2 * scales };
    this.#owns = region === undefined;
    this.#region = region ?? arena.region();
  }

  /** Tokens appended so far: the place of the next one. */
  get length(): number {
    return this.#length;
  }

  /** The place of the oldest token that is kept: 0 without a window. */
  get first(): number {
    return this.#first;
  }

  /** Bytes of the pages, in use or free. */
  get bytes(): number {
    return (this.#pages.length + this.#free.length) * this.#at.end;
  }

  /**
   * Makes room for so many tokens more, so that appending them takes no memory: before a region is opened in which the
   * cache could not grow.
   *
   * @throws KernelError if the region of the cache is not the innermost, or the memory cannot grow.
   */
  reserve(tokens: number): void {
    calling("reserve", this.#arena, (call) => {
      this.#check(call);
      if (!Number.isSafeInteger(tokens) || tokens < 0)
        call.fail("tokens", `tokens must be a whole number, got ${tokens}`);
    });
    const needed = Math.ceil((this.#length + tokens - this.#first) / this.pageTokens) - this.#pages.length;
    while (this.#free.length < needed) this.#free.push(this.#region.allocate(this.#at.end));
  }

  /**
   * Appends keys [Hk, T, D] and values [Hk, T, E] of T tokens.
   *
   * @throws KernelError naming the argument whose shape does not fit, or if there is no room and the cache cannot grow.
   */
  append(k: Floats, v: Floats, options: AppendOptions = {}): void {
    const { layout = "heads-first" } = checked("append", options);
    const tokens = this.#tokens(k, v, layout);
    this.#recycle();
    this.reserve(tokens);
    calling("append", this.#arena, (call) => {
      const [kAt, vAt] = [call.addressOf("k", k), call.addressOf("v", v)];
      while (this.#first + this.#pages.length * this.pageTokens < this.#length + tokens)
        this.#pages.push(this.#free.pop()!);
      for (let done = 0; done < tokens; ) {
        const place = this.#length + done - this.#first;
        const slot = place % this.pageTokens;
        const count = Math.min(tokens - done, this.pageTokens - slot);
        const page = this.#pages[Math.floor(place / this.pageTokens)]!;
        const { values, keyScales, valueScales } = this.#at;
        for (const [from, columns, to, scales] of [
          [kAt, this.width, page, page + keyScales],
          [vAt, this.valueWidth, page + values, page + valueScales],
        ] as const) {
          const bytes = columns * rowBytes[this.type];
          const [head, row] = layout === "tokens-first" ? [columns, this.heads * columns] : [tokens * columns, columns];
          const special = this.#exports.appendRows(
            ...([rowTypes.indexOf(this.type), from + 4 * done * row, 4 * head, 4 * row] as const),
            ...([this.heads, count, columns] as const),
            ...([to + slot * this.heads * bytes, bytes, this.heads * bytes] as const),
            ...([scales + 4 * slot * this.heads, 4, 4 * this.heads] as const),
          );
          this.#special ||= special !== 0;
        }
        done += count;
      }
    });
    this.#length += tokens;
  }

  /**
   * Attention of queries [H, Tq, D] (or [Tq, H, D]) that are the last Tq tokens of the cache, over all its keys or those
   * of the window: see `decode` of the kernels. The axis Tk of bias and mask begins with token {@link first}.
   *
   * @throws KernelError naming the argument whose shape or values do not fit.
   */
  attend(q: Floats, options: StepOptions = {}): Attended {
    return calling("attend", this.#arena, (call) => {
      this.#check(call);
      const { layout = "heads-first", left = this.window - 1 } = checked("attend", options);
      choose(call, "layout", layout, ["heads-first", "tokens-first"]);
      const asked = measureQueries(call, q, layout === "tokens-first");
      if (asked.batched) call.fail("q", `q has shape ${shown(q.shape)}; a cache is one sequence: give each its own`);
      if (asked.width !== this.width) call.fail("q", `q has D = ${asked.width}, but the cache has D = ${this.width}`);
      const keys = this.#length - this.#first;
      if (this.#first > 0 && left > keys - asked.queries)
        call.fail(
          "left",
          `left is ${left}, but of the ${keys} tokens kept only ${keys - asked.queries} stand before the first query; give a larger window`,
        );
      const entries = [{ stored: this.#stored(call), keys }];
      const sizes = { ...asked, keyHeads: this.heads, keys, valueWidth: this.valueWidth };
      return step(call, this.#exports, this.#arena, q, sizes, { ...options, left }, entries, {}, this.#way);
    });
  }

  /**
   * Forgets all tokens from `length` on.
   *
   * @throws KernelError if there are not as many, or older ones would be needed that the window has dropped.
   */
  truncate(length: number): void {
    calling("truncate", this.#arena, (call) => {
      this.#check(call);
      const least = this.#first === 0 ? 0 : this.#first + this.window - 1;
      if (!Number.isSafeInteger(length) || length < least || length > this.#length)
        call.fail("length", `length must be a whole number from ${least} to ${this.#length}, got ${length}`);
    });
    this.#length = length;
    const needed = Math.ceil((length - this.#first) / this.pageTokens);
    this.#free.push(...this.#pages.splice(needed));
    if (length === 0) this.#special = false;
  }

  /** Gives back the memory, unless its region is shared; the cache throws from then on. */
  release(): void {
    this.#released = true;
    this.#pages.length = 0;
    this.#free.length = 0;
    if (this.#owns) this.#region.release();
  }

  #check(call: Call): void {
    if (this.#released) call.fail("cache", "the cache is released; make another with cache()");
  }

  /** Checks rows to append and returns how many tokens they are. */
  #tokens(k: Floats, v: Floats, layout: string): number {
    return calling("append", this.#arena, (call) => {
      this.#check(call);
      choose(call, "layout", layout, ["heads-first", "tokens-first"]);
      call.check("k", k, Float32Array);
      call.check("v", v, Float32Array);
      const tokens = k.shape[layout === "tokens-first" ? 0 : 1] ?? 0;
      for (const [name, { shape }, columns] of [
        ["k", k, this.width],
        ["v", v, this.valueWidth],
      ] as const) {
        const expected = layout === "tokens-first" ? [tokens, this.heads, columns] : [this.heads, tokens, columns];
        if (shape.join() !== expected.join())
          call.fail(name, `${name} has shape ${shown(shape)}, expected ${shown(expected)}`);
      }
      return tokens;
    });
  }

  /** Pages that no query from the next token on sees are free. */
  #recycle(): void {
    while (this.#pages.length > 0 && this.#first + this.pageTokens <= this.#length - this.window + 1) {
      this.#free.push(this.#pages.shift()!);
      this.#first += this.pageTokens;
    }
  }

  #stored(call: Call): Stored {
    const bytes = rowBytes[this.type];
    const { values, keyScales, valueScales } = this.#at;
    return {
      // The table holds addresses.
      k: 0,
      v: values,
      kScales: keyScales,
      vScales: valueScales,
      kPage: 1,
      vPage: 1,
      scalePage: 1,
      pages: call.addressOfBytes(new Uint8Array(Uint32Array.from(this.#pages).buffer)),
      type: rowTypes.indexOf(this.type),
      special: Number(this.#special),
      pageKeys: this.pageTokens,
      together: this.heads,
      kHead: this.width * bytes,
      kRow: this.heads * this.width * bytes,
      vHead: this.valueWidth * bytes,
      vRow: this.heads * this.valueWidth * bytes,
      scaleHead: 4,
      scaleRow: 4 * this.heads,
    };
  }
}

const align = (bytes: number): number => Math.ceil(bytes / 64) * 64;
