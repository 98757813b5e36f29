/**
 * What a model is: data, which the blocks interpret. An architecture is a function from its configuration to a plan.
 *
 * A layer is a list of branches: x ← around(x + after(Σ output · mixer(input · before(x)))), a norm that is not given
 * leaving its argument as it is.
 */
import type { Activation } from "./activations.ts";
import type { Rotary } from "./rotary.ts";
import type { Weight } from "./weights.ts";

export interface Norm {
  /** x / √(mean x² + ε), or (x − mean) / √(variance + ε). */
  readonly kind: "rms" | "layer";
  readonly epsilon: number;
  readonly weight: Weight;
  readonly bias?: Weight | undefined;
}

/** y = weight · x + bias: weight [outputs, inputs]. */
export interface Linear {
  readonly weight: Weight;
  readonly bias?: Weight | undefined;
}

export interface Attention {
  readonly kind: "attention";
  readonly heads: number;
  /** Heads of the keys and values; neighbouring query heads share one. */
  readonly keyHeads: number;
  readonly headWidth: number;
  /** Queries over keys over values, [(H + 2 Hk) D, width]. */
  readonly qkv: Linear;
  readonly out: Linear;
  readonly causal: boolean;
  /** Default 1/√headWidth. */
  readonly scale?: number | undefined;
  readonly rotary?: Rotary | undefined;
  /** On each head of the queries and keys, before they are rotated. */
  readonly queryNorm?: Norm | undefined;
  readonly keyNorm?: Norm | undefined;
  /** Keys a query sees, its own among them; of encoders on either side, its own not among them. Default all. */
  readonly window?: number | undefined;
  readonly cap?: number | undefined;
  /** [heads]. */
  readonly sinks?: Weight | undefined;
}

export interface Feed {
  readonly kind: "feed";
  readonly activation: Activation;
  /** [inner, width]; gated: [2 inner, width], the half that is activated first, then the one it multiplies. */
  readonly up: Linear;
  readonly down: Linear;
  readonly gated: boolean;
  /** On the half that is activated, before. Default 1. */
  readonly gateScale?: number | undefined;
}

/** Feed-forward blocks of which each token takes some, by the softmax over its `chosen` largest router scores. */
export interface Experts {
  readonly kind: "experts";
  readonly count: number;
  readonly chosen: number;
  /** [count, width]. */
  readonly router: Linear;
  /** [count · 2 inner, width], gate and up interleaved row by row. */
  readonly up: Linear;
  /** [count · width, inner]. */
  readonly down: Linear;
  /** gate ≤ limit, |up| ≤ limit; (up + 1) · gate · σ(alpha · gate). */
  readonly limit: number;
  readonly alpha: number;
}

/** Mamba: a selective state-space model, one state of `state` numbers for each of `inner` channels. */
export interface Mamba {
  readonly kind: "mamba";
  readonly inner: number;
  readonly state: number;
  readonly rank: number;
  readonly input: Linear;
  readonly convolution: Linear;
  readonly selection: Linear;
  readonly step: Linear;
  /** [inner, state]: A. */
  readonly decay: Weight;
  /** [inner]: what of its input each channel passes on. */
  readonly skip: Weight;
  readonly out: Linear;
}

/** Mamba 2: one scalar decay for each of `heads` heads of `headWidth` channels; B and C are shared by groups of heads. */
export interface Mamba2 {
  readonly kind: "mamba2";
  readonly heads: number;
  readonly headWidth: number;
  readonly groups: number;
  readonly state: number;
  /** [2 H P + 2 G N + H, width]: gate, x, B, C, step. */
  readonly input: Linear;
  /** Factors on the five parts of the input. Default 1. */
  readonly inputScales?: readonly number[] | undefined;
  readonly convolution: Linear;
  /** [heads]. */
  readonly stepBias: Weight;
  readonly stepLimit: readonly number[];
  /** [heads]: A. */
  readonly decay: Weight;
  readonly skip: Weight;
  /** On what comes out; absent: it is only gated. */
  readonly norm?: (Norm & { readonly groups: number; readonly beforeGate: boolean }) | undefined;
  readonly out: Linear;
}

export type Mixer = Attention | Feed | Experts | Mamba | Mamba2;

export interface Branch {
  readonly before?: Norm | undefined;
  readonly mixers: readonly {
    readonly mixer: Mixer;
    readonly input?: number | undefined;
    readonly output?: number | undefined;
  }[];
  readonly after?: Norm | undefined;
  readonly around?: Norm | undefined;
}

export interface TokenEmbedding {
  readonly kind: "tokens";
  /** [vocabulary, width]. */
  readonly table: Weight;
  readonly scale?: number | undefined;
  /** [context, width]. */
  readonly positions?: Weight | undefined;
  /** [types, width]; of which every token has type 0. */
  readonly types?: Weight | undefined;
  readonly norm?: Norm | undefined;
}

/** An image of C channels, cut into patches of P × P, each C · P · P numbers. */
export interface PatchEmbedding {
  readonly kind: "patches";
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly patch: number;
  readonly projection: Linear;
  /** [width]: the token before the patches. */
  readonly first: Weight;
  /** [1 + patches, width]. */
  readonly positions: Weight;
}

export interface Head extends Linear {
  /** c in c · tanh(logit / c). */
  readonly cap?: number | undefined;
  readonly scale?: number | undefined;
  /** Whether each token has logits, or the first one for all. */
  readonly at: "each" | "first";
}

export interface Plan {
  readonly width: number;
  readonly vocabulary: number;
  /** Most tokens of a text. */
  readonly context: number;
  readonly embedding: TokenEmbedding | PatchEmbedding;
  readonly layers: readonly (readonly Branch[])[];
  readonly norm?: Norm | undefined;
  readonly head?: Head | undefined;
  /** Where the names of the checkpoint may begin otherwise; one of them is taken off. */
  readonly prefixes?: readonly string[];
}

/** A branch of one mixer. */
export const branch = (mixer: Mixer, norms: Omit<Branch, "mixers"> = {}): Branch => ({ ...norms, mixers: [{ mixer }] });

/** One of something for each of `count` layers. */
export const each = <T>(count: number, of: (layer: number) => T): readonly T[] =>
  Array.from({ length: count }, (_, layer) => of(layer));
