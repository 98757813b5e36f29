/** onnxruntime-web alone, in the smaller build that transformers.js does not take: the same model files. */
import { env, InferenceSession, Tensor } from "onnxruntime-web/wasm";
import { best, likeliest } from "../../../../src/models/sampling.ts";
import type { Contender } from "../contests.ts";
import type { Opened } from "./contest.ts";
import { pooled, whole } from "./onnx.ts";

export async function open({ model: name }: Contender): Promise<Opened> {
  env.wasm.numThreads = 1;
  env.wasm.wasmPaths = new URL("node_modules/onnxruntime-web/dist/", location.href).href;
  const session = await InferenceSession.create(`data/${name}/onnx/model_int8.onnx`, {
    executionProviders: ["wasm"],
    graphOptimizationLevel: "all",
  });
  const ids = (values: readonly number[], texts: number) =>
    new Tensor("int64", whole(values), [texts, values.length / texts]);
  const ones = (count: number) => Array<number>(count).fill(1);
  if (name.startsWith("MiniLM"))
    return {
      embed: async (texts) => {
        const all = texts.flat();
        const feeds = { input_ids: ids(all, texts.length), attention_mask: ids(ones(all.length), texts.length) };
        const { last_hidden_state: features } = await session.run(feeds);
        return pooled(features!.data as Float32Array, texts.length, features!.dims[2]!);
      },
    };
  const past = session.inputNames.filter((input) => input.startsWith("past"));
  /** One text that is read on and on. */
  const reader = () => {
    let known = Object.fromEntries(
      past.map((input) => [input, new Tensor("float32", new Float32Array(0), [1, 3, 0, 64])]),
    );
    let length = 0;
    return async (tokens: readonly number[]) => {
      length += tokens.length;
      const feeds = { input_ids: ids(tokens, 1), attention_mask: ids(ones(length), 1), ...known };
      const results = await session.run(feeds);
      known = Object.fromEntries(past.map((input) => [input, results[input.replace("past_key_values", "present")]!]));
      return results.logits!.data as Float32Array;
    };
  };
  return {
    write: async (prompt, count, read) => {
      const next = reader();
      let logits = await next(prompt);
      await read();
      for (let i = 0; i < count; i++) logits = await next([best(logits)]);
    },
    likeliest: async (prompt, count) => likeliest(await reader()(prompt), count).map(({ token }) => token),
  };
}
