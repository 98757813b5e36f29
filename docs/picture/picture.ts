/** The picture of a page: the first way of looking at it that fits what it declares and shows something. */
import { type AnyPage, evaluate, lettersOf, type Outputs, PageError, shapeOf } from "../../spec/page.ts";
import { blank, type Figure, type Grid } from "./figure.ts";
import { type Choices, isToken, type Setting, settings } from "./inputs.ts";
import { fields, influence, layerWeights, likeness, local, plain, shares, valuesOf, weights } from "./kinds.ts";
import type { Sentence } from "./sentence.ts";

export interface Picture {
  readonly figure: Figure;
  /** Other outputs worth seeing: a mask, a state, a bias. */
  readonly beside: readonly Grid[];
  /** The options that differ from their defaults. */
  readonly options: Readonly<Record<string, unknown>>;
  /** All options and axis lengths. */
  readonly resolved: Readonly<Record<string, unknown>>;
  readonly sizes: Readonly<Record<string, number | readonly number[]>>;
}

const tries = 4;
const show = (grids: readonly Grid[] | undefined): grids is Grid[] =>
  grids !== undefined && grids.length > 0 && !blank(grids[0]!) && grids[0]!.values.every((v) => Number.isFinite(v));
const wild = (grids: readonly Grid[]): boolean => grids.some(({ values }) => values.some((v) => !(Math.abs(v) < 20)));
/** Whether every row of a map is the same: it says nothing of who attends to whom. */
const uniform = ({ rows, columns, values }: Grid): boolean =>
  values.every((v, i) => Math.abs(v - values[i % columns]!) < 1e-9) &&
  rows > 1 &&
  values.every((v) => Math.abs(v - values[0]!) < 1e-9);

const same = (a: Grid, b: Grid): boolean =>
  a.values.length === b.values.length && a.values.every((v, i) => Math.abs(v - b.values[i]!) < 1e-9);

function* first<T>(items: Iterable<T>, count: number): Generator<T> {
  for (const item of items) {
    if (count-- <= 0) return;
    yield item;
  }
}

/** Like the function, but nothing where the page refuses what it is given. */
function accepted<T>(f: () => T): T | undefined {
  try {
    return f();
  } catch (error) {
    if (error instanceof PageError || error instanceof RangeError) return undefined;
    throw error;
  }
}

function mapped(page: AnyPage, sentence: Sentence, choices: Choices): [Figure, Setting] | undefined {
  for (const values of valuesOf(page))
    for (const unit of [false, true])
      for (const setting of squared(page, sentence, choices, unit, values.feature, values.token)) {
        const grids = accepted(() => weights(page, values, setting));
        if (!show(grids) || wild(grids) || uniform(grids[0]!)) continue;
        const averages = page.properties?.some((p) => "averages" in p && p.averages === values.name);
        return [
          {
            kind: "weights",
            grids,
            caption: `The weight of every token (across) in the output of every token (down): what the page returns when ${values.name} is the identity${averages ? "" : "; the weights need not sum to one"}.`,
          },
          setting,
        ];
      }
  const heads = (setting: Setting) =>
    lettersOf(shapeOf(page.inputs.wO ?? ""))
      .slice(0, -1)
      .reduce((n, letter) => (letter === "E" || letter === "D" ? n : n * Number(setting.sizes[letter])), 1);
  const feature = lettersOf(shapeOf(page.inputs.wV ?? "")).at(-1);
  const token = Object.keys(page.inputs).some((name) => /\bTk\b/.test(page.inputs[name]!)) ? "Tk" : "T";
  if (feature && page.inputs.wV)
    for (const probe of squared(page, sentence, choices, false, feature, token)) {
      const forced = {
        [feature]: probe.sizes[feature] as number,
        ...(page.inputs.wO?.includes("Mo") && { Mo: Number(probe.sizes[feature]) * heads(probe) }),
      };
      for (const setting of first(settings(page, sentence, choices, { forced }), 1)) {
        const grids = accepted(() => layerWeights(page, setting));
        if (!show(grids) || wild(grids) || uniform(grids[0]!)) continue;
        return [
          {
            kind: "weights",
            grids,
            caption:
              "The weight of every token (across) in the output of every token (down), of the whole layer: its value projection is chosen so that each token’s value is a unit vector of its own.",
          },
          setting,
        ];
      }
    }
  return undefined;
}

/** Settings in which each token has a feature of its own, so that values can be the identity. */
function* squared(
  page: AnyPage,
  sentence: Sentence,
  choices: Choices,
  unit: boolean,
  feature: string,
  token: string,
): Generator<Setting> {
  for (const probe of first(settings(page, sentence, choices, { unit }), tries)) {
    const count = probe.sizes[token];
    if (typeof count !== "number") continue;
    const forced = { [token]: count, [feature]: count };
    yield* first(settings(page, sentence, choices, { forced, unit }), 1);
  }
}

function influenced(page: AnyPage, sentence: Sentence, choices: Choices): [Figure, Setting] | undefined {
  for (const unit of [false, true])
    for (const setting of first(settings(page, sentence, choices, { unit }), tries)) {
      const found = accepted(() => influence(page, setting));
      if (!found) continue;
      const values = shares(found);
      if (found.image) {
        const grids = fields(found);
        if (show(grids))
          return [
            {
              kind: "field",
              grids,
              caption:
                "What reaches a place of the output: how far it moves, as shares, when each place of the image is nudged.",
            },
            setting,
          ];
        continue;
      }
      const grid: Grid = {
        title: "",
        rows: found.outCount,
        columns: found.inCount,
        values,
        down: "tokens",
        across: "tokens",
      };
      if (local(values, grid.rows, grid.columns)) {
        const places = accepted(() => likeness(page, setting, true));
        if (places && show([places]))
          return [
            {
              kind: "places",
              grids: [places],
              caption:
                "How alike the outputs at two places are (their cosine) when the same token stands at every place: what is left is position.",
            },
            setting,
          ];
        const tokens = accepted(() => likeness(page, setting, false));
        if (tokens && show([tokens]))
          return [
            {
              kind: "likeness",
              grids: [tokens],
              caption:
                "Every token is computed by itself; drawn is how alike the outputs of two tokens are (their cosine).",
            },
            setting,
          ];
        continue;
      }
      if (show([grid]))
        return [
          {
            kind: "influence",
            grids: [grid],
            caption:
              "How far the output of every token (down) moves when a token (across) is nudged, as shares of each row.",
          },
          setting,
        ];
    }
  return undefined;
}

/** An output with two token axes is a map as it stands. */
function returned(page: AnyPage, sentence: Sentence, choices: Choices): [Figure, Setting] | undefined {
  const twoTokens = Object.entries(page.outputs).filter(
    ([, text]) => lettersOf(shapeOf(text)).filter(isToken).length === 2,
  );
  return asIs(
    page,
    sentence,
    choices,
    twoTokens.map(([name]) => name),
    true,
  );
}

function asIs(
  page: AnyPage,
  sentence: Sentence,
  choices: Choices,
  names: readonly string[],
  map: boolean,
): [Figure, Setting] | undefined {
  if (!names.length) return undefined;
  for (const setting of first(settings(page, sentence, choices), 2 * tries)) {
    const outputs = accepted(() => evaluate(page, setting.inputs, setting.options));
    if (!outputs) continue;
    const grids = plain(page, outputs as Outputs, setting, names).filter((grid) => show([grid]));
    if (!grids.length) continue;
    const what = grids.map((grid) => grid.title.split("[")[0]).join(" and ");
    return [
      {
        kind: map ? "weights" : "outputs",
        grids: grids.slice(0, 3),
        caption: map
          ? `${what}, as the page returns it: queries down, keys across.`
          : `The outputs themselves: ${what}.`,
      },
      setting,
    ];
  }
  return undefined;
}

/** Draws a page on the fixed input; `choices` are the options and sizes the reader set. Nothing if nothing would show. */
export function picture(page: AnyPage, sentence: Sentence, choices: Choices = {}): Picture | undefined {
  const drawn =
    mapped(page, sentence, choices) ??
    returned(page, sentence, choices) ??
    influenced(page, sentence, choices) ??
    asIs(page, sentence, choices, Object.keys(page.outputs), false);
  if (!drawn) return undefined;
  const [figure, setting] = drawn;
  const outputs = accepted(() => evaluate(page, setting.inputs, setting.options)) as Outputs | undefined;
  const others = Object.keys(page.outputs).filter((name, i) => i > 0 && shapeOf(page.outputs[name]!).axes.length >= 2);
  const shown = new Set(figure.grids.map((grid) => grid.title));
  const beside = outputs
    ? plain(page, outputs, setting, others).filter(
        (grid) =>
          grid.rows > 1 &&
          grid.columns > 1 &&
          !shown.has(grid.title) &&
          show([grid]) &&
          !figure.grids.some((g) => same(g, grid)),
      )
    : [];
  return {
    figure,
    beside: beside.slice(0, 2),
    options: setting.options,
    resolved: setting.resolved,
    sizes: setting.sizes,
  };
}
