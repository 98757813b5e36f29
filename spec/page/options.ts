/** The options of a mechanism: what each may be, what it is when not given, and which values the tests try. */

interface Declared<V, N> {
  /** The value when none is given; may depend on the axis lengths. */
  readonly default: V | ((n: N) => V);
  /** One line for the reader. */
  readonly doc: string;
  /** Values drawn in tests beside the default. */
  readonly tried: readonly V[];
}
export interface Flag<N = never> extends Declared<boolean, N> {
  readonly type: "boolean";
}
export interface Choice<V extends string = string, N = never> extends Declared<V, N> {
  readonly type: "choice";
  readonly values: readonly V[];
}
export interface Numeric<N = never> extends Declared<number, N>, Bounds {
  readonly type: "number" | "integer";
}
export interface NumberList<N = never> extends Declared<readonly number[], N> {
  readonly type: "numbers" | "integers";
}
/** Bounds of a number. `min` and `max` are allowed values, `above` and `below` are not. */
export interface Bounds {
  readonly min?: number;
  readonly max?: number;
  readonly above?: number;
  readonly below?: number;
}
export type AnyOption = Flag<never> | Choice<string, never> | Numeric<never> | NumberList<never>;
export type Bag = Record<string, AnyOption>;
type ValueOf<P> =
  P extends Flag<never>
    ? boolean
    : P extends Choice<infer V, never>
      ? V
      : P extends NumberList<never>
        ? readonly number[]
        : P extends Numeric<never>
          ? number
          : never;
/** The values of a bag of options. */
export type Values<P> = { readonly [K in keyof P]: ValueOf<P[K]> };

/** A yes or no. Both are tried. */
export const flag = <N = never>(value: boolean | ((n: N) => boolean), doc: string): Flag<N> => ({
  type: "boolean",
  default: value,
  doc,
  tried: [false, true],
});

/** One of some words. All are tried. The first word is the default. */
export const choice = <const V extends string>(values: readonly [V, ...V[]], doc: string): Choice<V> => ({
  type: "choice",
  values,
  default: values[0],
  doc,
  tried: values,
});

/** A number, `Infinity` included unless a bound excludes it. `tried` are the values tests draw beside the default. */
export const real = <N = never>(
  value: number | ((n: N) => number),
  doc: string,
  limits: Bounds & { tried?: readonly number[] } = {},
): Numeric<N> => ({ type: "number", default: value, doc, tried: [], ...limits });

/** A whole number; `Infinity` stands for no limit where `max` does not exclude it. Small ranges are tried throughout. */
export const integer = <N = never>(
  value: number | ((n: N) => number),
  doc: string,
  limits: Bounds & { tried?: readonly number[] } = {},
): Numeric<N> => {
  const { min, max } = limits;
  const all =
    min !== undefined && max !== undefined && max - min < 8
      ? Array.from({ length: max - min + 1 }, (_, i) => min + i)
      : [];
  return { type: "integer", default: value, doc, tried: all, ...limits };
};

/** A list of numbers, `whole` if they must be integers. */
export const numbers = <N = never>(
  value: readonly number[] | ((n: N) => readonly number[]),
  doc: string,
  { whole = false, tried = [] as readonly (readonly number[])[] } = {},
): NumberList<N> => ({ type: whole ? "integers" : "numbers", default: value, doc, tried });

const limits = ({ min, max, above, below }: Bounds): string =>
  [
    min !== undefined && `≥ ${min}`,
    above !== undefined && `> ${above}`,
    max !== undefined && `≤ ${max}`,
    below !== undefined && `< ${below}`,
  ]
    .filter(Boolean)
    .join(" and ");

/** What an option may be, in words: `an integer ≥ 1`. */
export function allowed(option: AnyOption): string {
  switch (option.type) {
    case "boolean":
      return "true or false";
    case "choice":
      return `one of ${option.values.join(", ")}`;
    case "numbers":
      return "a list of numbers";
    case "integers":
      return "a list of integers";
    default:
      return [option.type === "integer" ? "an integer" : "a number", limits(option)].filter(Boolean).join(" ");
  }
}

/** Whether an option may have this value. */
export function accepts(option: AnyOption, value: unknown): boolean {
  switch (option.type) {
    case "boolean":
      return typeof value === "boolean";
    case "choice":
      return (option.values as readonly unknown[]).includes(value);
    case "numbers":
      return Array.isArray(value) && value.every((v) => typeof v === "number" && !Number.isNaN(v));
    case "integers":
      return Array.isArray(value) && value.every(Number.isSafeInteger);
    default: {
      if (typeof value !== "number" || Number.isNaN(value)) return false;
      if (option.type === "integer" && !Number.isInteger(value) && value !== Number.POSITIVE_INFINITY) return false;
      const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY, above, below } = option;
      return (
        value >= min && value <= max && (above === undefined || value > above) && (below === undefined || value < below)
      );
    }
  }
}
