import { activation } from "../activations.ts";
import type { Config } from "../config.ts";
import { branch, each, type Linear, type Norm, type Plan } from "../plan.ts";
import { matrix, stacked, vector } from "../weights.ts";

const dense = (name: string, rows: number, columns: number): Linear => ({
  weight: matrix(`${name}.weight`, rows, columns),
  bias: vector(`${name}.bias`, rows),
});
const layerNorm = (name: string, width: number, epsilon: number): Norm => ({
  kind: "layer",
  epsilon,
  weight: vector(`${name}.weight`, width),
  bias: vector(`${name}.bias`, width),
});

/** Projections of queries, keys and values, below one another. */
export const fused = (names: readonly string[], rows: number, columns: number): Linear => ({
  weight: stacked(...names.map((name) => matrix(`${name}.weight`, rows, columns))),
  bias: stacked(...names.map((name) => vector(`${name}.bias`, rows))),
});

/** BERT (and MiniLM): learned positions, a layer norm around each branch. */
export function bert(config: Config): Plan {
  const width = config.count("hidden_size");
  const heads = config.count("num_attention_heads");
  const inner = config.count("intermediate_size");
  const context = config.count("max_position_embeddings");
  const vocabulary = config.count("vocab_size");
  const kind = config.text("position_embedding_type", "absolute");
  if (kind !== "absolute") config.fail("position_embedding_type", `${kind} is not supported, only absolute`);
  const norm = (name: string) => layerNorm(name, width, config.number("layer_norm_eps", 1e-12));
  return {
    ...{ width, vocabulary, context },
    prefixes: ["bert."],
    embedding: {
      kind: "tokens",
      table: matrix("embeddings.word_embeddings.weight", vocabulary, width),
      positions: matrix("embeddings.position_embeddings.weight", context, width),
      types: matrix("embeddings.token_type_embeddings.weight", config.count("type_vocab_size", 2), width),
      norm: norm("embeddings.LayerNorm"),
    },
    layers: each(config.count("num_hidden_layers"), (i) => {
      const name = `encoder.layer.${i}`;
      const self = `${name}.attention.self`;
      return [
        branch(
          {
            kind: "attention",
            ...{ heads, keyHeads: heads, headWidth: width / heads },
            causal: false,
            qkv: fused([`${self}.query`, `${self}.key`, `${self}.value`], width, width),
            out: dense(`${name}.attention.output.dense`, width, width),
          },
          { around: norm(`${name}.attention.output.LayerNorm`) },
        ),
        branch(
          {
            kind: "feed",
            gated: false,
            activation: activation(config.text("hidden_act", "gelu")),
            up: dense(`${name}.intermediate.dense`, inner, width),
            down: dense(`${name}.output.dense`, width, inner),
          },
          { around: norm(`${name}.output.LayerNorm`) },
        ),
      ];
    }),
  };
}

/** DistilBERT: the same without token types, under other names. */
export function distilbert(config: Config): Plan {
  const width = config.count("dim");
  const heads = config.count("n_heads");
  const inner = config.count("hidden_dim");
  const context = config.count("max_position_embeddings", 512);
  const vocabulary = config.count("vocab_size");
  const norm = (name: string) => layerNorm(name, width, 1e-12);
  return {
    ...{ width, vocabulary, context },
    prefixes: ["distilbert."],
    embedding: {
      kind: "tokens",
      table: matrix("embeddings.word_embeddings.weight", vocabulary, width),
      positions: matrix("embeddings.position_embeddings.weight", context, width),
      norm: norm("embeddings.LayerNorm"),
    },
    layers: each(config.count("n_layers"), (i) => {
      const name = `transformer.layer.${i}`;
      const attention = `${name}.attention`;
      return [
        branch(
          {
            kind: "attention",
            ...{ heads, keyHeads: heads, headWidth: width / heads },
            causal: false,
            qkv: fused([`${attention}.q_lin`, `${attention}.k_lin`, `${attention}.v_lin`], width, width),
            out: dense(`${attention}.out_lin`, width, width),
          },
          { around: norm(`${name}.sa_layer_norm`) },
        ),
        branch(
          {
            kind: "feed",
            gated: false,
            activation: activation(config.text("activation", "gelu")),
            up: dense(`${name}.ffn.lin1`, inner, width),
            down: dense(`${name}.ffn.lin2`, width, inner),
          },
          { around: norm(`${name}.output_layer_norm`) },
        ),
      ];
    }),
  };
}
