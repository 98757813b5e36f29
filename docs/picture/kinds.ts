/** The ways to look at a mechanism, each from a setting to grids; a way that does not fit a page gives nothing. */
import {
  type AnyPage,
  evaluate,
  type Float64Tensor,
  lengthOf,
  lettersOf,
  type Outputs,
  shapeOf,
  type Tensor,
  tensor,
} from "../../spec/page.ts";
import type { Grid } from "./figure.ts";
import { isStream, isToken, isTokens, type Setting } from "./inputs.ts";
import type { Sentence } from "./sentence.ts";

type Inputs = Setting["inputs"];
const words = (names: string | readonly string[]): readonly string[] => [names].flat() as string[];
const lettersIn = (text: string) => lettersOf(shapeOf(text));
const subscripts = ["", "first", "second", "third"];
const mapHeads = 3;

/** A tensor of the page as a function of its letters. */
export interface Read {
  readonly letters: readonly string[];
  readonly lengths: readonly number[];
  readonly at: (index: readonly number[]) => number;
}
export function reading(text: string, t: Tensor, sizes: Setting["sizes"]): Read {
  const letters = lettersIn(text);
  const lengths = letters.map((letter) => lengthOf(letter, sizes));
  return { letters, lengths, at: (index) => Number(t.data[index.reduce((flat, i, k) => flat * lengths[k]! + i, 0)]) };
}

const makeLike = (t: Tensor, lengths: readonly number[], f: (...index: number[]) => number): Float64Tensor => ({
  shape: t.shape,
  data: tensor(lengths, f).data,
});

/** Whether a property speaks of these sizes and options. */
const holds = (property: { readonly when?: unknown }, { sizes, resolved, given }: Setting): boolean =>
  typeof property.when !== "function" || property.when(sizes, resolved, given) === true;

/** What makes the implied map visible: an input the page is linear in, its token letter, and the letter of its features. */
export interface Values {
  readonly name: string;
  readonly token: string;
  readonly feature: string;
  readonly output: string;
}

/** The inputs that could be values: linear, one vector a token, whose features some output has too. */
export function valuesOf(page: AnyPage): Values[] {
  return (page.properties ?? []).flatMap((property) => {
    if (!("linear" in property)) return [];
    return words(property.linear).flatMap((name) => {
      const letters = lettersIn(page.inputs[name] ?? "");
      const feature = letters.at(-1);
      const token = letters.find(isToken);
      if (!token || !feature || letters.filter(isToken).length !== 1 || isToken(feature) || /^\d/.test(feature))
        return [];
      if (Object.hasOwn(page.axes ?? {}, feature)) return [];
      const output = Object.entries(page.outputs).find(([out, text]) => {
        const all = lettersIn(text);
        return (!property.outputs || property.outputs.includes(out)) && all.includes(feature) && all.some(isToken);
      })?.[0];
      return output ? [{ name, token, feature, output }] : [];
    });
  });
}

/** The implied attention map, by letting the values be the identity. */
export function weights(page: AnyPage, { name, token, feature, output }: Values, setting: Setting): Grid[] | undefined {
  const spoken = page.properties?.some((p) => "linear" in p && words(p.linear).includes(name) && holds(p, setting));
  if (!spoken) return undefined;
  const text = page.inputs[name]!;
  const letters = lettersIn(text);
  const lengths = letters.map((letter) => lengthOf(letter, setting.sizes));
  const [at, along] = [letters.indexOf(token), letters.lastIndexOf(feature)];
  if (lengths[at] !== lengths[along]) return undefined;
  const unit = (turned: number) =>
    makeLike(setting.inputs[name] as Tensor, lengths, (...index) =>
      (index[at]! + turned) % lengths[at]! === index[along] ? 1 : 0,
    );
  const linear = page.properties!.flatMap((p) =>
    "linear" in p && words(p.linear).includes(name) ? words(p.linear) : [],
  );
  const maps = (turned: number) => {
    const inputs = Object.fromEntries(
      Object.entries(setting.inputs).map(([other, value]) => [
        other,
        other === name ? unit(turned) : linear.includes(other) && !Array.isArray(value) ? zero(value as Tensor) : value,
      ]),
    );
    return tokenMaps(
      page,
      output,
      evaluate(page, inputs, setting.options)[output] as Tensor,
      setting,
      feature,
      lengths[at]!,
    );
  };
  // The map is one of tokens only if every feature is treated alike: turning the features must turn the map.
  const [plain, turned] = [maps(0), maps(1)];
  const alike = plain.every(({ values, columns }, g) =>
    values.every((v, i) => {
      const other = turned[g]!.values[i - (i % columns) + ((i + 1) % columns)]!;
      return Math.abs(v - other) <= 1e-9 * Math.max(1, Math.abs(v));
    }),
  );
  return alike ? plain : undefined;
}
const zero = (t: Tensor): Float64Tensor => ({ shape: t.shape, data: new Float64Array(t.data.length) });

/** The maps [token of the output, `across`] in an output, one for each place of its other axes. */
function tokenMaps(
  page: AnyPage,
  output: string,
  t: Tensor,
  { sizes }: Setting,
  across: string,
  width: number,
): Grid[] {
  const { letters, lengths, at } = reading(page.outputs[output]!, t, sizes);
  const row = letters.findIndex(isToken);
  const column = letters.lastIndexOf(across);
  const others = letters.flatMap((_, i) => (i === row || i === column ? [] : [i]));
  return cells(others.map((i) => lengths[i]!))
    .slice(0, mapHeads)
    .map((place, n, all) => ({
      title:
        all.length > 1
          ? headTitle(
              others.map((i) => letters[i]!),
              place,
              n,
            )
          : "",
      rows: lengths[row]!,
      columns: width,
      values: square(lengths[row]!, width, (r, c) => {
        const index = letters.map((_, i) => (i === row ? r : i === column ? c : place[others.indexOf(i)]!));
        return at(index);
      }),
      down: "tokens",
      across: "tokens",
    }));
}
const headTitle = (letters: readonly string[], place: readonly number[], n: number): string =>
  letters.length === 1 && letters[0]!.startsWith("H")
    ? `${subscripts[n + 1]} head`
    : letters.map((letter, i) => `${letter} = ${place[i]}`).join(", ");

/** Every index of a shape. */
export const cells = (lengths: readonly number[]): number[][] =>
  lengths.reduce<number[][]>(
    (all, length) => all.flatMap((index) => Array.from({ length }, (_, i) => [...index, i])),
    [[]],
  );
export const square = (rows: number, columns: number, f: (r: number, c: number) => number): number[] =>
  Array.from({ length: rows * columns }, (_, i) => f(Math.floor(i / columns), i % columns));

/** (X Xᵀ)⁻¹ by Gauss–Jordan; nothing where tokens are not independent. */
function inverse(matrix: readonly (readonly number[])[]): number[][] | undefined {
  const n = matrix.length;
  const a = matrix.map((row, i) => [...row, ...Array.from({ length: n }, (_, j) => (i === j ? 1 : 0))]);
  for (let i = 0; i < n; i++) {
    const pivot = a.slice(i).reduce((best, row, r) => (Math.abs(row[i]!) > Math.abs(a[best]![i]!) ? i + r : best), i);
    [a[i], a[pivot]] = [a[pivot]!, a[i]!];
    if (Math.abs(a[i]![i]!) < 1e-9) return undefined;
    const scale = a[i]![i]!;
    a[i] = a[i]!.map((v) => v / scale);
    for (let r = 0; r < n; r++) if (r !== i) a[r] = a[r]!.map((v, c) => v - a[r]![i]! * a[i]![c]!);
  }
  return a.map((row) => row.slice(n));
}

/**
 * The implied map of a whole layer: its value projection is chosen so that each token's value is its own unit vector, its
 * output projection is the identity. Only where the layer then is linear in that projection, which is tried.
 */
export function layerWeights(page: AnyPage, setting: Setting): Grid[] | undefined {
  const wV = setting.inputs.wV as Tensor | undefined;
  if (!wV || Array.isArray(wV)) return undefined;
  const w = reading(page.inputs.wV!, wV, setting.sizes);
  const projected = Object.keys(page.inputs).find((name) => {
    const letters = lettersIn(page.inputs[name]!);
    return letters.length === 2 && isToken(letters[0]!) && letters[1] === w.letters[0];
  });
  const source = projected && !setting.inputs[projected] ? shapeOf(page.inputs[projected]!).fallback : projected;
  if (!source || !setting.inputs[source]) return undefined;
  const x = reading(page.inputs[source]!, setting.inputs[source] as Tensor, setting.sizes);
  const feature = w.letters.at(-1)!;
  const n = x.lengths[0]!;
  if (w.lengths.at(-1) !== n || w.letters.length > 3) return undefined;
  const products = Array.from({ length: n }, (_, t) =>
    Array.from({ length: n }, (_, s) =>
      Array.from({ length: x.lengths[1]! }, (_, m) => x.at([t, m]) * x.at([s, m])).reduce((a, b) => a + b, 0),
    ),
  );
  const back = inverse(products);
  if (!back) return undefined;
  const pseudo = (m: number, e: number) => back.reduce((sum, row, t) => sum + x.at([t, m]) * row[e]!, 0);
  const inputs: Record<string, Inputs[string]> = {
    ...setting.inputs,
    wV: makeLike(wV, w.lengths, (...index) => pseudo(index[0]!, index.at(-1)!)),
  };
  const wO = setting.inputs.wO as Tensor | undefined;
  if (wO) {
    const o = reading(page.inputs.wO!, wO, setting.sizes);
    const rows = o.lengths.slice(0, -1).reduce((a, b) => a * b, 1);
    if (rows !== o.lengths.at(-1)) return undefined;
    inputs.wO = makeLike(wO, o.lengths, (...index) =>
      index.slice(0, -1).reduce((flat, i, k) => flat * o.lengths[k]! + i, 0) === index.at(-1) ? 1 : 0,
    );
  }
  const result = evaluate(page, inputs, setting.options);
  const [name, text] = Object.entries(page.outputs).find(([, t]) => isStream(lettersIn(t))) ?? [];
  if (!name || !text) return undefined;
  const out = result[name] as Tensor;
  const twice = evaluate(
    page,
    { ...inputs, wV: { shape: wV.shape, data: Float64Array.from((inputs.wV as Tensor).data, (v) => 2 * Number(v)) } },
    setting.options,
  )[name] as Tensor;
  const reach = Math.max(...Array.from(out.data, Math.abs));
  for (let i = 0; i < out.data.length; i++)
    if (!(Math.abs(Number(twice.data[i]) - 2 * Number(out.data[i])) <= 1e-8 * reach)) return undefined;
  const tokens = Number(out.shape[0]);
  const width = out.data.length / tokens;
  const count = width / n;
  if (!Number.isInteger(count) || lettersIn(text).findIndex(isToken) !== 0 || feature === undefined) return undefined;
  return Array.from({ length: Math.min(count, mapHeads) }, (_, h) => ({
    title: count > 1 ? `${subscripts[h + 1]} head` : "",
    rows: tokens,
    columns: n,
    values: square(tokens, n, (r, c) => Number(out.data[r * width + h * n + c])),
    down: "tokens",
    across: "tokens",
  }));
}

/** Where a tensor's tokens are: the flat place of each index, and how many there are. */
function placesOf(letters: readonly string[], lengths: readonly number[]) {
  const token = letters.findIndex(isToken);
  const [y, x] = [letters.findIndex((l) => l.startsWith("Y")), letters.findIndex((l) => l.startsWith("X"))];
  const image = y >= 0 && x >= 0;
  if (image)
    return {
      image,
      count: lengths[y]! * lengths[x]!,
      rows: lengths[y]!,
      columns: lengths[x]!,
      of: (i: readonly number[]) => i[y]! * lengths[x]! + i[x]!,
    };
  return { image, count: lengths[token]!, rows: 1, columns: lengths[token]!, of: (i: readonly number[]) => i[token]! };
}

/** The inputs that are tokens: one vector each, without a domain of their own. */
const streams = (page: AnyPage, { inputs }: Setting): string[] =>
  Object.keys(inputs).filter((name) => isTokens(page, name));

export interface Influence {
  readonly image: boolean;
  readonly rows: number;
  readonly columns: number;
  readonly outCount: number;
  readonly inCount: number;
  /** How far output place `t` moves when input place `s` is nudged. */
  readonly at: (t: number, s: number) => number;
  readonly out: { readonly rows: number; readonly columns: number };
}

/** How far each place of the output moves when one place of the tokens is nudged, in a few fixed directions. */
export function influence(page: AnyPage, setting: Setting, most = 80): Influence | undefined {
  const names = streams(page, setting);
  const entry = Object.entries(page.outputs).find(([, text]) => {
    const letters = lettersIn(text);
    return (
      !shapeOf(text).list &&
      (isStream(letters) || (letters.some((l) => l.startsWith("Y")) && letters.some((l) => l.startsWith("X"))))
    );
  });
  if (!names.length || !entry) return undefined;
  const [output, text] = entry;
  const base = evaluate(page, setting.inputs, setting.options)[output] as Tensor | undefined;
  if (!base || Array.isArray(base)) return undefined;
  const outLetters = lettersIn(text);
  const outLengths = outLetters.map((letter) => lengthOf(letter, setting.sizes));
  const to = placesOf(outLetters, outLengths);
  const first = reading(page.inputs[names[0]!]!, setting.inputs[names[0]!] as Tensor, setting.sizes);
  const from = placesOf(first.letters, first.lengths);
  if (from.count > most) return undefined;
  const outCells = cells(outLengths).map((index) => to.of(index));
  const step = 1e-5;
  const moved = Array.from({ length: from.count }, () => new Float64Array(to.count));
  for (let s = 0; s < from.count; s++)
    for (const direction of [1]) {
      const inputs = { ...setting.inputs };
      for (const name of names) {
        const t = setting.inputs[name] as Tensor;
        const read = reading(page.inputs[name]!, t, setting.sizes);
        const where = placesOf(read.letters, read.lengths);
        if (where.count !== from.count) continue;
        const data = Float64Array.from(t.data, Number);
        cells(read.lengths).forEach((index, flat) => {
          if (where.of(index) === s)
            data[flat] = data[flat]! + step * Math.sin((flat + 1) * direction * 12.9898 + direction);
        });
        inputs[name] = { shape: t.shape, data };
      }
      const result = evaluate(page, inputs, setting.options)[output] as Tensor;
      for (let i = 0; i < outCells.length; i++)
        moved[s]![outCells[i]!]! += ((Number(result.data[i]) - Number(base.data[i])) / step) ** 2;
    }
  return {
    image: from.image && to.image,
    rows: from.rows,
    columns: from.columns,
    outCount: to.count,
    inCount: from.count,
    at: (t, s) => Math.sqrt(moved[s]![t]!),
    out: { rows: to.rows, columns: to.columns },
  };
}

/** Rows of an influence as shares that sum to one. */
export function shares({ at, outCount, inCount }: Influence): number[] {
  return Array.from({ length: outCount }, (_, t) => {
    const row = Array.from({ length: inCount }, (_, s) => at(t, s));
    const total = row.reduce((a, b) => a + b, 0);
    return row.map((v) => (total > 0 && Number.isFinite(total) ? v / total : 0));
  }).flat();
}

/** Whether every place depends on itself alone. */
export function local(values: readonly number[], rows: number, columns: number): boolean {
  if (rows !== columns) return false;
  return Math.max(...values.map((v, i) => (Math.floor(i / columns) === i % columns ? 0 : v))) < 0.01;
}

/** From a few places of an image, what reaches each. */
export function fields(found: Influence): Grid[] {
  const { rows, columns } = found.out;
  const share = shares(found);
  const spots = [
    ["the middle", Math.floor(rows / 2), Math.floor(columns / 2)],
    ["a corner", 0, 0],
    ["an edge", Math.floor(rows / 2), columns - 1],
  ] as const;
  return spots.map(([title, y, x]) => ({
    title: `seen from ${title}`,
    rows: found.rows,
    columns: found.columns,
    values: Array.from({ length: found.inCount }, (_, s) => share[(y * columns + x) * found.inCount + s]!),
    down: "rows of the image",
    across: "columns of the image",
  }));
}

/** Cosines between the outputs of all tokens; `alike` gives every place the same token first. */
export function likeness(page: AnyPage, setting: Setting, alike: boolean): Grid | undefined {
  const inputs = { ...setting.inputs };
  if (alike)
    for (const name of streams(page, setting)) {
      const t = setting.inputs[name] as Tensor;
      const read = reading(page.inputs[name]!, t, setting.sizes);
      const token = read.letters.findIndex(isToken);
      if (token < 0) return undefined;
      inputs[name] = makeLike(t, read.lengths, (...index) => read.at(index.with(token, 1)));
    }
  const entry = Object.entries(page.outputs).find(
    ([, text]) => isStream(lettersIn(text)) && lettersIn(text).some(isToken) && lettersIn(text).length > 1,
  );
  if (!entry) return undefined;
  const out = evaluate(page, inputs, setting.options)[entry[0]] as Tensor | undefined;
  if (!out) return undefined;
  const read = reading(entry[1], out, setting.sizes);
  const token = read.letters.findIndex(isToken);
  const rows: number[][] = Array.from({ length: read.lengths[token]! }, () => []);
  for (const index of cells(read.lengths)) rows[index[token]!]!.push(read.at(index));
  const norm = rows.map((row) => Math.hypot(...row));
  return {
    title: "",
    rows: rows.length,
    columns: rows.length,
    values: square(
      rows.length,
      rows.length,
      (t, s) => rows[t]!.reduce((sum, v, i) => sum + v * rows[s]![i]!, 0) / (norm[t]! * norm[s]! || 1),
    ),
    down: alike ? "places" : "tokens",
    across: alike ? "places" : "tokens",
  };
}

/** Outputs as they are, those of two axes or more; the first places of further axes. */
export function plain(page: AnyPage, outputs: Outputs, setting: Setting, names: readonly string[]): Grid[] {
  return names.flatMap((name): Grid[] => {
    const value = outputs[name];
    const one = Array.isArray(value) ? value[0] : value;
    if (!one) return [];
    const text = page.outputs[name]!;
    const shape = shapeOf(text);
    const read = shape.list
      ? { letters: shape.axes.map((a) => a.join("·")), lengths: one.shape, at: undefined }
      : reading(text, one, setting.sizes);
    const data = one.data;
    if (!data.length || data.length > 200_000) return [];
    if (read.lengths.length === 0) return [];
    const rank = read.lengths.length;
    const columns = read.lengths[rank - 1]!;
    const rows = rank === 1 ? 1 : read.lengths[rank - 2]!;
    if (columns > 200 || rows > 200) return [];
    const label = (letter: string | undefined, length: number) =>
      letter && isToken(letter) && length > 1 ? "tokens" : letter ? `axis ${letter}` : "";
    return [
      {
        title: `${name}[${read.letters
          .slice(0, rank - 2)
          .map(() => "0, ")
          .join("")}${read.letters.slice(Math.max(0, rank - 2)).join(", ")}]`,
        rows,
        columns,
        values: Array.from(data.slice(0, rows * columns), Number),
        down: rank === 1 ? "" : label(read.letters[rank - 2], rows),
        across: label(read.letters[rank - 1], columns),
      },
    ];
  });
}
export type { Sentence };
