import type { WasmTensor } from "../../wasm.ts";
import { ModelError } from "../error.ts";
import type { Pass } from "../pass.ts";
import type { PatchEmbedding, TokenEmbedding } from "../plan.ts";
import type { Weight } from "../weights.ts";

/** The rows of tokens, all of the vocabulary: table[token] · scale + positions[position] + types[0], normalised. */
export function embedTokens(spec: TokenEmbedding, tokens: readonly (readonly number[])[], pass: Pass): WasmTensor {
  const { ops, stretches } = pass;
  const x = ops.scaled(ops.lookUp(pass.matrix(spec.table), tokens.flat()), spec.scale);
  const places = spec.positions && stretches.flatMap(({ position, count }) => range(position, count));
  const add = (table: Weight, indices: readonly number[]) =>
    ops.within(() => ops.add(x, ops.lookUp(pass.weight(table), indices)));
  if (places) add(spec.positions!, places);
  if (spec.types) add(spec.types, Array<number>(x.shape[0]!).fill(0));
  return spec.norm ? ops.norm(x, pass.norm(spec.norm), x) : x;
}

const range = (first: number, count: number): number[] => Array.from({ length: count }, (_, i) => first + i);

/** The rows of an image [C, H, W]: a first token, then its patches from left to right and top to bottom. */
export function embedPatches(spec: PatchEmbedding, images: readonly Float32Array[], pass: Pass): WasmTensor {
  const { ops } = pass;
  const { channels, height, width, patch } = spec;
  const [down, across] = [Math.floor(height / patch), Math.floor(width / patch)];
  const features = channels * patch * patch;
  const [first, positions] = [pass.weight(spec.first), pass.weight(spec.positions)];
  const [rows, model] = positions.shape as [number, number];
  const x = ops.tensor([images.length * rows, model]);
  images.forEach((image, n) => {
    if (image.length !== channels * height * width)
      throw new ModelError(
        "pixels",
        `expected ${channels} channels of ${height} × ${width}, ${channels * height * width} numbers, got ${image.length}`,
      );
    const cut = ops.tensor([down * across, features]);
    let to = 0;
    for (let y = 0; y < down; y++)
      for (let z = 0; z < across; z++)
        for (let c = 0; c < channels; c++)
          for (let i = 0; i < patch; i++)
            for (let j = 0; j < patch; j++)
              cut.data[to++] = image[(c * height + y * patch + i) * width + z * patch + j]!;
    const own = ops.rows(x, n * rows, rows);
    own.data.set(first.data);
    // The product may move the memory, and views with it.
    const projected = ops.linear(cut, pass.linear(spec.projection));
    own.data.set(projected.data, model);
    ops.add(own, positions);
  });
  return x;
}
