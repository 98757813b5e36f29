/** A llama in float64, written with the pages' vocabulary: what the kernels' logits are compared with. */
import { scaledDotProductAttention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { evaluate, type Matrix, rmsNorm, sigmoid, sum, type Tensor, table, tensor } from "../../../spec/page.ts";
import { rotaryPositionEmbedding } from "../../../spec/positional/rotary-position-embedding.ts";
import { openCheckpoint } from "../../models/checkpoint.ts";
import type { Config } from "../../models/config.ts";
import type { Encoding } from "../../models/encodings.ts";
import { read } from "../../models/reading.ts";
import type { Source } from "../../models.ts";

interface Weights {
  readonly shape: readonly number[];
  readonly at: Matrix;
}

/** A llama with plain rotary positions and a tied head. */
export interface Llama {
  readonly config: Config;
  readonly weight: (name: string) => Weights;
}

/** Reads all weights of a checkpoint. */
export async function readLlama(source: Source): Promise<Llama> {
  const { config, tensors } = await openCheckpoint(source);
  const weights = new Map<string, Weights>();
  for (const [name, stored] of tensors) {
    const columns = stored.shape.at(-1)!;
    const count = stored.shape.reduce((product, length) => product * length, 1);
    const values = new Float64Array(count);
    const encoding = stored.encoding as Required<Encoding>;
    await read({ ...stored, encoding }, name, count, undefined, (from, some) => values.set(some, from));
    weights.set(name, { shape: stored.shape, at: (i, j) => values[i * columns + j]! });
  }
  return { config, weight: (name) => weights.get(`${name}.weight`)! };
}

/** The logits of every token, [T, vocabulary]. */
export function logitsOf({ config, weight }: Llama, tokens: readonly number[]): Matrix {
  const T = tokens.length;
  const M = config.count("hidden_size");
  const epsilon = config.number("rms_norm_eps");
  const linear = (x: Matrix, name: string): Matrix => {
    const { shape, at } = weight(name);
    return table([T, shape[0]!], (t, n) => sum(shape[1]!, (c) => x(t, c) * at(n, c)));
  };
  const norm = (x: Matrix, name: string): Matrix => {
    const gain = weight(name).at;
    const rows = table([T], (t) => rmsNorm(M, (c) => x(t, c), epsilon));
    return table([T, M], (t, c) => gain(0, c) * rows(t)(c));
  };
  const { at: embedding } = weight("model.embed_tokens");
  let x: Matrix = (t, c) => embedding(tokens[t]!, c);
  for (let i = 0; i < config.count("num_hidden_layers"); i++) {
    const name = `model.layers.${i}`;
    const [before, h] = [x, norm(x, `${name}.input_layernorm`)];
    const [q, k, v] = ["q", "k", "v"].map((part) => linear(h, `${name}.self_attn.${part}_proj`)) as Matrix[];
    const attended = linear(attend(config, T, q!, k!, v!), `${name}.self_attn.o_proj`);
    const middle = table([T, M], (t, c) => before(t, c) + attended(t, c));
    const g = norm(middle, `${name}.post_attention_layernorm`);
    const [gate, up] = [linear(g, `${name}.mlp.gate_proj`), linear(g, `${name}.mlp.up_proj`)];
    const inner = table([T, config.count("intermediate_size")], (t, c) => gate(t, c) * sigmoid(gate(t, c)) * up(t, c));
    const fed = linear(inner, `${name}.mlp.down_proj`);
    x = table([T, M], (t, c) => middle(t, c) + fed(t, c));
  }
  return linear(norm(x, "model.norm"), "model.embed_tokens");
}

/** Grouped-query attention with rotary positions, each head by its pages: [T, heads · width]. */
function attend(config: Config, T: number, q: Matrix, k: Matrix, v: Matrix): Matrix {
  const [heads, keyHeads] = [config.count("num_attention_heads"), config.count("num_key_value_heads")];
  const D = config.count("head_dim");
  const base = config.part("rope_parameters").number("rope_theta");
  const positions = tensor([T], (t) => t);
  const head = (x: Matrix, h: number): Tensor => tensor([T, D], (t, d) => x(t, h * D + d));
  const turned = (x: Tensor) => evaluate(rotaryPositionEmbedding.page, { x, positions }, { base }).out as Tensor;
  const outs = Array.from({ length: heads }, (_, h) => {
    const shared = Math.floor((h * keyHeads) / heads);
    const inputs = { q: turned(head(q, h)), k: turned(head(k, shared)), v: head(v, shared) };
    return evaluate(scaledDotProductAttention.page, inputs, { causal: true }).out as Tensor;
  });
  return (t, c) => Number(outs[Math.floor(c / D)]!.data[t * D + (c % D)]);
}
