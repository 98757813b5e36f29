import { activation } from "../activations.ts";
import type { Config } from "../config.ts";
import { branch, each, type Linear, type Norm, type Plan } from "../plan.ts";
import { matrix, reshaped, vector } from "../weights.ts";
import { fused } from "./bert.ts";

/** ViT: an encoder of image patches behind a first token, of which the classes are read. */
export function vit(config: Config): Plan {
  const width = config.count("hidden_size");
  const heads = config.count("num_attention_heads");
  const inner = config.count("intermediate_size");
  const [side, patch] = [config.count("image_size"), config.count("patch_size")];
  const channels = config.count("num_channels", 3);
  const patches = Math.floor(side / patch) ** 2;
  const classes = Object.keys(config.part("id2label").values).length;
  const linear = (name: string, rows: number, columns: number): Linear => ({
    weight: matrix(`${name}.weight`, rows, columns),
    bias: vector(`${name}.bias`, rows),
  });
  const norm = (name: string): Norm => ({
    kind: "layer",
    epsilon: config.number("layer_norm_eps", 1e-12),
    weight: vector(`${name}.weight`, width),
    bias: vector(`${name}.bias`, width),
  });
  const embeddings = "vit.embeddings";
  const projection = `${embeddings}.patch_embeddings.projection`;
  return {
    width,
    vocabulary: classes,
    context: patches + 1,
    embedding: {
      kind: "patches",
      ...{ channels, height: side, width: side, patch },
      projection: {
        weight: reshaped(`${projection}.weight`, [width, channels * patch * patch], [width, channels, patch, patch]),
        bias: vector(`${projection}.bias`, width),
      },
      first: reshaped(`${embeddings}.cls_token`, [width], [1, 1, width]),
      positions: reshaped(`${embeddings}.position_embeddings`, [patches + 1, width], [1, patches + 1, width]),
    },
    layers: each(config.count("num_hidden_layers"), (i) => {
      const name = `vit.encoder.layer.${i}`;
      const self = `${name}.attention.attention`;
      return [
        branch(
          {
            kind: "attention",
            ...{ heads, keyHeads: heads, headWidth: width / heads },
            causal: false,
            qkv: fused([`${self}.query`, `${self}.key`, `${self}.value`], width, width),
            out: linear(`${name}.attention.output.dense`, width, width),
          },
          { before: norm(`${name}.layernorm_before`) },
        ),
        branch(
          {
            kind: "feed",
            gated: false,
            activation: activation(config.text("hidden_act", "gelu")),
            up: linear(`${name}.intermediate.dense`, inner, width),
            down: linear(`${name}.output.dense`, width, inner),
          },
          { before: norm(`${name}.layernorm_after`) },
        ),
      ];
    }),
    norm: norm("vit.layernorm"),
    head: { ...linear("classifier", classes, width), at: "first" },
  };
}
