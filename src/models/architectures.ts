/** The architectures there are, by the `model_type` of their configurations. */
import { bert, distilbert } from "./architectures/bert.ts";
import { falconH1 } from "./architectures/falcon-h1.ts";
import { gemma2, gemma3 } from "./architectures/gemma.ts";
import { gptOss } from "./architectures/gpt-oss.ts";
import { gpt2 } from "./architectures/gpt2.ts";
import { llama } from "./architectures/llama.ts";
import { mamba, mamba2 } from "./architectures/mamba.ts";
import { mistral } from "./architectures/mistral.ts";
import { modernbert } from "./architectures/modernbert.ts";
import { phi3 } from "./architectures/phi3.ts";
import { qwen2, qwen3 } from "./architectures/qwen.ts";
import { vit } from "./architectures/vit.ts";
import type { Config } from "./config.ts";
import { ModelError } from "./error.ts";
import type { Plan } from "./plan.ts";

/** What a configuration means. */
export type Architecture = (config: Config) => Plan;

export const architectures: Readonly<Record<string, Architecture>> = {
  bert,
  distilbert,
  falcon_h1: falconH1,
  gemma2,
  gemma3_text: gemma3,
  gpt2,
  gpt_oss: gptOss,
  llama,
  mamba,
  mamba2,
  mistral,
  modernbert,
  phi3,
  qwen2,
  qwen3,
  vit,
};

/**
 * The plan of a model.
 *
 * @throws ModelError if there is no such architecture, or the configuration lacks something
 */
export function planOf(config: Config, more: Readonly<Record<string, Architecture>> = {}): Plan {
  const known = { ...architectures, ...more };
  const type = config.text("model_type");
  const build = Object.hasOwn(known, type) ? known[type] : undefined;
  if (!build)
    throw new ModelError(
      config.file,
      `the architecture ${type} is not supported; supported are ${Object.keys(known).sort().join(", ")}`,
    );
  if (config.has("quantization_config"))
    config.fail(
      "quantization_config",
      `${config.part("quantization_config").text("quant_method", "of unknown method")} is not supported; take float32, float16 or bfloat16 weights, or a GGUF file`,
    );
  return build(config);
}
