/**
 * The one input of all pictures: queries, keys and values that a real model computed on a sentence, and an image made
 * of a disc and a bar for mechanisms of a grid.
 */
import { readSafetensors } from "../../src/io/safetensors.ts";

/** Features of the model's heads. */
const width = 32;
/** The captured heads, the one drawn first in front: same word, next word, broad. */
const order = [1, 0, 2];

export interface Sentence {
  readonly words: readonly string[];
  readonly text: string;
  readonly model: string;
  /** Feature `d` of the query, key or value of token `t` in head `h`; heads and features beyond the captured begin anew. */
  readonly q: (h: number, t: number, d: number) => number;
  readonly k: (h: number, t: number, d: number) => number;
  readonly v: (h: number, t: number, d: number) => number;
  /** Feature `m` of token `t`: what its keys hold beyond most of what all tokens' keys share, of unit variance. */
  readonly x: (t: number, m: number) => number;
}

/** Reads the captured layer from the bytes of its file. */
export function sentenceOf(bytes: Uint8Array): Sentence {
  const { tensors, metadata } = readSafetensors(bytes, "minilm-layer.safetensors");
  const words = JSON.parse(metadata.tokens!) as string[];
  const count = words.length;
  const read = (name: string) => {
    const data = tensors[name]!.data as Float32Array;
    return (h: number, t: number, d: number): number => {
      const head = order[(h + Math.floor(d / width)) % order.length]!;
      return data[(head * count + (t % count)) * width + (d % width)]!;
    };
  };
  const [q, k, v] = [read("q"), read("k"), read("v")];
  const features = 3 * width;
  const mean = Array.from(
    { length: features },
    (_, m) => (0.8 * words.reduce((sum, _, t) => sum + k(0, t, m), 0)) / count,
  );
  const size = words.map((_, t) => Math.sqrt(mean.reduce((sum, c, m) => sum + (k(0, t, m) - c) ** 2, 0) / features));
  const x = (t: number, m: number) => (k(0, t, m % features) - mean[m % features]!) / size[t % count]!;
  return { words, text: metadata.sentence!, model: metadata.model!, q, k, v, x };
}

/** Channel `c` of the image at row `y` of `height` and column `x` of `breadth`: a disc, a bar, and the slow change of light. */
export function image(y: number, x: number, c: number, height: number, breadth: number): number {
  const [v, u] = [(y + 0.5) / height, (x + 0.5) / breadth];
  const disc = Math.hypot(u - 0.32, v - 0.38) < 0.26 ? 1 : 0;
  const bar = u > 0.68 && u < 0.86 && v > 0.15 ? 1 : 0;
  const parts = [disc, bar, 1 - disc - bar, u - 0.5, v - 0.5];
  return parts.reduce((sum, part, i) => sum + part * Math.sin((i + 1) * (c + 1) * 1.7 + i * i), 0);
}
