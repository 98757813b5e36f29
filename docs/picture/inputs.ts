/**
 * Inputs for a picture of any page: shapes from its declaration, tokens from the sentence or the image, weights from one
 * fixed draw. Nothing here knows a page by name.
 */

import { accepts } from "../../spec/page/options.ts";
import { type AnyPage, bind, extentOf, lengthOf, lettersOf, shapeOf, type Tensor, tensor } from "../../spec/page.ts";
import { acceptable, type Case, draw, freeLetters, NothingToDrawError } from "../../src/oracle/cases.ts";
import { random } from "../../src/oracle/random.ts";
import { image, type Sentence } from "./sentence.ts";

export type Sizes = Readonly<Record<string, number | readonly number[]>>;
/** What the reader may choose; the rest follows. */
export interface Choices {
  readonly options?: Readonly<Record<string, unknown>>;
  readonly sizes?: Readonly<Record<string, number>>;
  /** Whether options not named here keep their defaults, rather than what shows most. */
  readonly exact?: boolean;
}
/** A case with everything known about it. */
export interface Setting extends Case {
  readonly sizes: Sizes;
  /** All options, defaults filled in. */
  readonly resolved: Readonly<Record<string, unknown>>;
  readonly given: Readonly<Record<string, boolean>>;
}

export const isToken = (letter: string): boolean => /^T[qk]?$/.test(letter);
const isPlace = (letter: string): boolean => isToken(letter) || letter === "Y" || letter === "X";
/** Whether a shape holds one vector (or number) for each token, or each place of an image. */
export const isStream = (letters: readonly string[]): boolean =>
  letters.filter(isToken).length === 1 || (letters.filter((l) => l === "Y").length === 1 && letters.includes("X"));

/** Whether an input is tokens or what is made of them: a vector for each, any real numbers (usually small ones, perhaps). */
export function isTokens(page: AnyPage, name: string): boolean {
  const shape = shapeOf(page.inputs[name]!);
  const letters = lettersOf(shape);
  const domain = page.domain?.[name];
  if (shape.list || letters.length < 2 || !isStream(letters)) return false;
  if (domain === undefined) return true;
  return typeof domain === "object" && "usual" in domain && Number(domain.usual[0]) < 0 && Number(domain.usual[1]) > 0;
}

/** A number from 0 to 1 that depends on the integers alone. */
function chance(...index: number[]): number {
  let z = 0x9e3779b9;
  for (const i of index) {
    z = Math.imul(z ^ (i + 0x7f4a7c15), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    z ^= z >>> 16;
  }
  return (z >>> 0) / 2 ** 32;
}
const normal = (...index: number[]): number =>
  Math.sqrt(-2 * Math.log(1 - chance(1, ...index))) * Math.cos(2 * Math.PI * chance(2, ...index));

/**
 * One draw for all weights: an entry depends on its first, middle and last index alone, so that weights of like shape are
 * alike, queries meet the keys of like tokens, and one head is the first of several.
 */
function weight(index: readonly number[], fan: number): number {
  const middle = index.slice(1, -1).reduce((at, i) => at * 31 + i, 0);
  return normal(index[0] ?? 0, middle, index.at(-1) ?? 0) / Math.sqrt(fan);
}

/** The values of one input by its role, which its name, shape and domain tell. */
function fill(page: AnyPage, name: string, drawn: Tensor, setting: Setting, sentence: Sentence, unit: boolean): Tensor {
  const text = page.inputs[name]!;
  const shape = shapeOf(text);
  if (shape.list) return drawn;
  const letters = lettersOf(shape);
  const lengths = letters.map((letter) => (/^\d+$/.test(letter) ? Number(letter) : (setting.sizes[letter] as number)));
  const make = (f: (...index: number[]) => number): Tensor => ({ shape: drawn.shape, data: tensor(lengths, f).data });
  const token = letters.findIndex(isToken);
  const tokens = letters.filter(isToken).length;
  const domain = page.domain?.[name];
  if (domain !== undefined && !isTokens(page, name)) {
    const { kind, low, high } = extentOf(domain, setting.sizes, setting.resolved);
    if (kind === "boolean") return drawn;
    if (/^(positions|ids|index)$/.test(name) && letters.length === 1) return make((t) => Math.min(low + t, high));
    if (kind === "integer")
      return token >= 0 && letters.length === 1 && high - low >= lengths[0]! - 1 ? make((t) => low + t) : drawn;
    if (tokens === 2) return attention(letters, lengths, sentence, make);
    if (!Number.isFinite(low) || !Number.isFinite(high)) return drawn;
    return make((...index) => high - (high - low) * 0.15 * chance(...index));
  }
  if (/^(positions|ids)$/.test(name))
    return make((t, g = 0) => (letters.length === 1 ? t : g === 0 ? Math.floor(t / 6) : t % 6));
  if (tokens === 2)
    return make((...index) => {
      const [t = 0, s = 0] = index.filter((_, i) => isToken(letters[i]!));
      return score(sentence, index.length > 2 ? index[0]! : 0, t, s);
    });
  const [y, x] = [letters.indexOf("Y"), letters.indexOf("X")];
  if (y >= 0 && x >= 0)
    return make((...index) => {
      const channel = index.reduce((at, i, place) => (isPlace(letters[place]!) ? at : at * 7 + i), 0);
      return image(index[y]!, index[x]!, channel + 3 * (token >= 0 ? index[token]! : 0), lengths[y]!, lengths[x]!);
    });
  if (tokens === 1 && letters.length >= 2) {
    const source = /^(q|query|target|r|c)$/.test(name)
      ? sentence.q
      : /^(k|keys?|memory|source|b|p|w)$/.test(name)
        ? sentence.k
        : /^(v|values?)$/.test(name)
          ? sentence.v
          : undefined;
    const rest = (index: readonly number[]) => index.filter((_, i) => i !== token);
    const read = (...index: number[]): number => {
      const others = rest(index);
      const d = others.at(-1) ?? 0;
      const h = others.slice(0, -1).reduce((at, i) => at * 3 + i, 0);
      return source
        ? source(h, index[token]!, d)
        : sentence.x(index[token]!, others.length > 1 ? h * lengths.at(-1)! + d : d);
    };
    if (!unit && domain === undefined) return make(read);
    const norm = (index: readonly number[]) =>
      Math.hypot(
        ...Array.from({ length: lengths.at(-1)! }, (_, d) =>
          read(...(token === letters.length - 1 ? index : index.with(-1, d))),
        ),
      );
    return make((...index) => read(...index) / (norm(index) || 1));
  }
  if (tokens === 1) return make((t) => 0.7 + 0.6 * (chance(t, 5) - 0.5));
  if (letters.length <= 1) return make((i = 0) => 0.75 + 0.5 * chance(i, 9));
  const fan = lengths.slice(0, shape.axes[0]!.length).reduce((a, b) => a * b, 1);
  return make((...index) => weight(index, fan));
}

const score = (sentence: Sentence, h: number, t: number, s: number): number => {
  let sum = 0;
  for (let d = 0; d < 32; d++) sum += sentence.q(h, t, d) * sentence.k(h, s, d);
  return sum / Math.sqrt(32);
};
/** The attention the model itself paid, for pages that start from weights. */
function attention(
  letters: readonly string[],
  lengths: readonly number[],
  sentence: Sentence,
  make: (f: (...index: number[]) => number) => Tensor,
): Tensor {
  const width = lengths[letters.findLastIndex(isToken)]!;
  return make((...index) => {
    const [t = 0, s = 0] = index.filter((_, i) => isToken(letters[i]!));
    const h = index.length > 2 ? index[0]! : 0;
    const all = Array.from({ length: width }, (_, j) => Math.exp(score(sentence, h, t, j)));
    return all[s]! / all.reduce((a, b) => a + b, 0);
  });
}

/** Options that make a mechanism show what it is: several heads where heads are an option, and what is off (∞) switched on. */
export function telling(page: AnyPage): Record<string, unknown> {
  const chosen: Record<string, unknown> = {};
  for (const [name, option] of Object.entries(page.options)) {
    if (option.type !== "integer" && option.type !== "number") continue;
    const tried = (option.tried as readonly number[]).filter(Number.isFinite);
    if (/heads/i.test(name) && option.default === 1 && tried.length) chosen[name] = Math.max(...tried);
    if (option.default === Number.POSITIVE_INFINITY && tried.length)
      chosen[name] = option.type === "integer" && accepts(option, 5) ? 5 : Math.max(...tried);
  }
  return chosen;
}

/** Features as wide as captured where tokens come as queries and keys; narrower where a layer makes these itself. */
const captured = { D: 32, E: 32, M: 20, Mc: 20, C: 8 };
const projected = { D: 16, E: 8, M: 20, Mc: 20, C: 6 };
/** Larger tensors than this would make a picture slow, and show no more. */
const most = 6000;
const heads = { H: 3, Hq: 3, Hk: 3, Hv: 3 };
const grid = { Y: 7, X: 7 };
/** Tables of relative places, as long as differences need. */
const relative = { Yr: 13, Xr: 13 };

/** Settings a page accepts, the most telling first; lazily, since most pages take the first. */
export function* settings(
  page: AnyPage,
  sentence: Sentence,
  { options = {}, sizes = {}, exact = false }: Choices,
  { forced = {}, unit = false }: { forced?: Readonly<Record<string, number>>; unit?: boolean } = {},
): Generator<Setting> {
  const free = freeLetters(page);
  const n = sizes.T ?? sizes.Tq ?? sentence.words.length;
  const tokens = Object.fromEntries(free.filter(isToken).map((letter) => [letter, sizes[letter] ?? n]));
  const only = (wanted: Record<string, number>) =>
    Object.fromEntries(Object.entries(wanted).filter(([letter]) => free.includes(letter) && !page.tried?.[letter]));
  const any = (wanted: Record<string, number>) =>
    Object.fromEntries(Object.entries(wanted).filter(([letter]) => free.includes(letter)));
  const layer = Object.keys(page.inputs).some((name) => /^w[A-Z]/.test(name));
  const features = layer ? projected : captured;
  const all = { ...features, ...heads, ...grid, ...relative };
  const lengths: Record<string, number>[] = [
    ...(free.includes("P") ? [n, 2 * n - 1].map((P) => ({ ...tokens, ...any({ ...all, P }) })) : []),
    { ...tokens, ...any(all) },
    { ...tokens, ...only({ ...features, ...heads, ...grid }) },
    { ...tokens, ...only({ ...features, ...grid }) },
    { ...tokens, ...only({ D: 8, M: 8, ...grid }) },
    { ...tokens, ...only(grid) },
    only(tokens),
    {},
  ];
  const defaults = Object.fromEntries(Object.keys(page.options).map((name) => [name, undefined]));
  const none = Object.fromEntries(Object.keys(page.inputs).map((name) => [name, false]));
  const chosen = exact ? [{ ...defaults, ...options }] : [{ ...defaults, ...telling(page) }, defaults, {}];
  const tried = new Set<string>();
  for (const given of [none, {}])
    for (const fixed of lengths)
      for (const picked of chosen)
        for (const largest of [8, 40]) {
          const held = { ...fixed, ...sizes, ...forced };
          const key = JSON.stringify([given, held, Object.entries(picked), largest]);
          if (tried.has(key)) continue;
          tried.add(key);
          const setting = attempt(page, sentence, { options: picked, sizes: held, given }, largest, unit);
          if (setting) yield setting;
        }
}

/** Why a page takes no setting with these choices, in its own words. */
export function refusal(page: AnyPage, { options = {}, sizes = {} }: Choices): string {
  const defaults = Object.fromEntries(Object.keys(page.options).map((name) => [name, undefined]));
  try {
    draw(page, random(7), { values: "normal", attempts: 60, fixed: { options: { ...defaults, ...options }, sizes } });
    return "what it computes shows nothing.";
  } catch (error) {
    return (error instanceof Error ? error.message : String(error))
      .replace(/^[\s\S]*was refused: [^:]*: /, "")
      .replace(/\. Let the page list[\s\S]*$/, ".");
  }
}

function attempt(
  page: AnyPage,
  sentence: Sentence,
  fixed: NonNullable<Parameters<typeof draw>[2]>["fixed"],
  largest: number,
  unit: boolean,
): Setting | undefined {
  let drawn: Case;
  try {
    drawn = draw(page, random(7), { largest, values: "normal", attempts: largest > 8 ? 150 : 30, fixed: fixed! });
  } catch (error) {
    if (error instanceof NothingToDrawError || error instanceof RangeError) return undefined;
    throw error;
  }
  const options = Object.fromEntries(Object.entries(drawn.options).filter(([, value]) => value !== undefined));
  const bound = bind(page, drawn.inputs, options);
  const sizeOf = (text: string) =>
    lettersOf(shapeOf(text)).reduce((n, letter) => n * Math.max(...[lengthOf(letter, bound.sizes)].flat()), 1);
  if (Object.values({ ...page.inputs, ...page.outputs }).some((text) => sizeOf(text) > most)) return undefined;
  const setting = { inputs: drawn.inputs, options, sizes: bound.sizes, resolved: bound.options, given: bound.given };
  const inputs = Object.fromEntries(
    Object.entries(drawn.inputs).map(([name, value]) => [
      name,
      Array.isArray(value) ? value : fill(page, name, value as Tensor, setting, sentence, unit),
    ]),
  ) as Case["inputs"];
  if (acceptable(page, { inputs, options })) return { ...setting, inputs };
  // Some value that follows from no domain is refused: keep the drawn ones but for the tokens.
  const streams = Object.fromEntries(
    Object.entries(inputs).map(([name, value]) => [name, isTokens(page, name) ? value : drawn.inputs[name]!]),
  );
  return acceptable(page, { inputs: streams, options }) ? { ...setting, inputs: streams } : setting;
}
