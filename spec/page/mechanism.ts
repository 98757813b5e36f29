/** A page, and the function its users call. */
import type { Domain } from "./domain.ts";
import { evaluate } from "./evaluate.ts";
import type { Bag, Values } from "./options.ts";
import type { Property } from "./property.ts";
import type { At, Dims, IsList, Optional, Shapes } from "./shape.ts";
import type { Float64Tensor, Tensor } from "./tensor.ts";

type Derived = Record<string, (n: never, o: never) => number>;
type Lengths<I extends Shapes, A> = Dims<I> & { readonly [K in keyof A]: number };
type GivenFlags<I extends Shapes> = { readonly [K in Optional<I>]: boolean };
type Value<S extends string> = IsList<S> extends true ? readonly Tensor[] : Tensor;
/** The inputs a mechanism is called with. */
export type Given<I extends Shapes> = { readonly [K in Exclude<keyof I, Optional<I>>]: Value<I[K]> } & {
  readonly [K in Optional<I>]?: Value<I[K]> | undefined;
};
type Result<S extends string> = IsList<S> extends true ? readonly Float64Tensor[] : Float64Tensor;
/** What a mechanism gives back. */
export type Results<O extends Shapes> = { readonly [K in Exclude<keyof O, Optional<O>>]: Result<O[K]> } & {
  readonly [K in Optional<O>]?: Result<O[K]>;
};
type Bodies<O extends Shapes> = { [K in Exclude<keyof O, Optional<O>>]: At<O[K]> } & {
  [K in Optional<O>]?: At<O[K]> | undefined;
};

/** One mechanism: its declaration and its formula. */
export interface Page<I extends Shapes, O extends Shapes, P extends Bag, A extends Derived> {
  /** `<family>/<mechanism>`, the path of the page. */
  readonly id: string;
  /** What people call it. */
  readonly name: string;
  /** Authors, year and identifier of the paper (or other source) that defines it. */
  readonly paper: string;
  /** Official code that was read: `owner/repo path:symbol`. */
  readonly code?: string;
  /** Choices made here because nothing public decides them; makes the page *reconstructed*. */
  readonly ours?: string;
  /** Shapes of inputs and weights, see `shape.ts`. */
  readonly inputs: I;
  readonly outputs: O;
  readonly options: P;
  /** Axes whose length follows from others or from an option. */
  readonly axes?: A & { readonly [K in keyof A]: (n: NoInfer<Dims<I>>, o: NoInfer<Values<P>>) => number };
  /** Axes that may have length 0; any other empty axis is refused. */
  readonly mayBeEmpty?: readonly string[];
  /** What values an input holds; any real number if not said. */
  readonly domain?: { readonly [K in keyof I]?: Domain<NoInfer<Lengths<I, A>>, NoInfer<Values<P>>> };
  /** Lengths that tests draw for an axis, where small ones at random seldom fit. */
  readonly tried?: Readonly<Record<string, readonly number[]>>;
  /** What must hold of sizes and options, in words that name them. */
  readonly requires?: Readonly<
    Record<string, (n: NoInfer<Lengths<I, A>>, o: NoInfer<Values<P>>, given: NoInfer<GivenFlags<I>>) => boolean>
  >;
  /** What must hold of the values given. */
  readonly expects?: Readonly<
    Record<
      string,
      (
        x: NoInfer<{ [K in keyof I]: At<I[K]> }>,
        n: NoInfer<Lengths<I, A>>,
        o: NoInfer<Values<P>>,
        given: NoInfer<GivenFlags<I>>,
      ) => boolean
    >
  >;
  readonly properties?: readonly Property<NoInfer<Lengths<I, A>>, NoInfer<Values<P>>, NoInfer<GivenFlags<I>>>[];
  /** The formula: each output as a function of its indices. */
  readonly run: (x: { [K in keyof I]: At<I[K]> }, n: Lengths<I, A>, o: Values<P>, given: GivenFlags<I>) => Bodies<O>;
}

/** A page as tools see it, whatever its shapes. */
export interface AnyPage {
  readonly id: string;
  readonly name: string;
  readonly paper: string;
  readonly code?: string;
  readonly ours?: string;
  readonly inputs: Shapes;
  readonly outputs: Shapes;
  readonly options: Bag;
  readonly axes?: Derived;
  readonly mayBeEmpty?: readonly string[];
  readonly domain?: Readonly<Record<string, Domain | undefined>>;
  readonly tried?: Readonly<Record<string, readonly number[]>>;
  readonly requires?: Readonly<Record<string, (n: never, o: never, given: never) => boolean>>;
  readonly expects?: Readonly<Record<string, (x: never, n: never, o: never, given: never) => boolean>>;
  readonly properties?: readonly Property[];
  readonly run: (x: never, n: never, o: never, given: never) => Readonly<Record<string, unknown>>;
}
export type Inputs = Readonly<Record<string, Tensor | readonly Tensor[] | undefined>>;
export type Outputs = Readonly<Record<string, Float64Tensor | readonly Float64Tensor[]>>;

/** The function `(inputs, options) → outputs` of a page; an unlisted leading axis on every input is a batch. */
export interface Mechanism<I extends Shapes, O extends Shapes, P extends Bag, A extends Derived> {
  (inputs: Given<I>, options?: { readonly [K in keyof P]?: Values<P>[K] | null | undefined }): Results<O>;
  readonly page: Page<I, O, P, A> & AnyPage;
}
/** Any mechanism, called with names not known to the type checker. */
export interface AnyMechanism {
  (inputs: never, options?: never): unknown;
  readonly page: AnyPage;
}

/** A mechanism, or its page: what the tools of the oracle take. */
export type Subject = AnyMechanism | AnyPage;
export const pageOf = (subject: Subject): AnyPage => ("page" in subject ? subject.page : subject);

/** Turns a page into the function its users call: checks names, shapes and values, fills defaults, runs. */
export function mechanism<
  const I extends Shapes,
  const O extends Shapes,
  P extends Bag,
  A extends Derived = Record<never, never>,
>(page: Page<I, O, P, A>): Mechanism<I, O, P, A> {
  const loose = page as unknown as AnyPage;
  const call = (inputs: Given<I>, options = {}) => evaluate(loose, inputs as Inputs, options) as unknown as Results<O>;
  return Object.assign(call, { page: loose as Page<I, O, P, A> & AnyPage });
}
