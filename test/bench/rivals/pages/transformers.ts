/** transformers.js with its WebAssembly backend. */
import { AutoModel, AutoModelForCausalLM, env, mean_pooling, Tensor } from "@huggingface/transformers";
import { likeliest } from "../../../../src/models/sampling.ts";
import type { Contender } from "../contests.ts";
import type { Opened } from "./contest.ts";
import { whole } from "./onnx.ts";

export async function open({ model: name }: Contender): Promise<Opened> {
  env.allowRemoteModels = false;
  env.allowLocalModels = true;
  env.useBrowserCache = false;
  env.useWasmCache = false;
  env.localModelPath = new URL("data/", location.href).href;
  env.backends.onnx.wasm.numThreads = 1;
  // What it takes from a CDN otherwise: the same files of the same version.
  const runtime = new URL("node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.asyncify", location.href).href;
  env.backends.onnx.wasm.wasmPaths = { mjs: `${runtime}.mjs`, wasm: `${runtime}.wasm` };
  const options = { dtype: "int8", device: "wasm", session_options: { graphOptimizationLevel: "all" } };
  const inputs = (texts: readonly (readonly number[])[]) => {
    const shape = [texts.length, texts[0]!.length];
    return {
      input_ids: new Tensor("int64", whole(texts.flat()), shape),
      attention_mask: new Tensor("int64", whole(texts.flat().map(() => 1)), shape),
    };
  };
  if (name.startsWith("MiniLM")) {
    const model = await AutoModel.from_pretrained(name, options);
    return {
      embed: async (texts) => {
        const asked = inputs(texts);
        const { last_hidden_state: features } = await model(asked);
        const { data, dims } = mean_pooling(features, asked.attention_mask).normalize(2, -1);
        return texts.map((_, i) => (data as Float32Array).slice(i * dims[1]!, (i + 1) * dims[1]!));
      },
    };
  }
  const model = await AutoModelForCausalLM.from_pretrained(name, options);
  return {
    write: async (prompt, count, read) => {
      const asked = { max_new_tokens: 1, do_sample: false, return_dict_in_generate: true };
      const first = await model.generate({ ...inputs([prompt]), ...asked });
      await read();
      const { sequences, past_key_values } = first;
      const mask = new Tensor("int64", whole(Array<number>(prompt.length + 1).fill(1)), [1, prompt.length + 1]);
      const more = { ...asked, max_new_tokens: count };
      await model.generate({ input_ids: sequences, attention_mask: mask, past_key_values, ...more });
    },
    likeliest: async (prompt, count) => {
      const { logits } = await model(inputs([prompt]));
      return likeliest(logits.data as Float32Array, count).map(({ token }) => token);
    },
  };
}
