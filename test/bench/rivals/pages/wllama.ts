/** wllama of today, which completes texts: the prompt is digits, one token each. */
import { Wllama } from "@wllama/wllama";
import type { Contender } from "../contests.ts";
import type { Opened } from "./contest.ts";

export async function open({ model: name }: Contender): Promise<Opened> {
  const wllama = new Wllama({
    default: new URL("node_modules/@wllama/wllama/esm/wasm/wllama.wasm", location.href).href,
  });
  const file = await (await fetch(`data/${name}`)).blob();
  const settings = { n_ctx: 1024, n_threads: 1, n_gpu_layers: 0, n_parallel: 1, n_batch: 512, n_ubatch: 512 };
  await wllama.loadModel([file], settings);
  /** Completes by `count` tokens, the first of which comes with the prompt. */
  const complete = (prompt: readonly number[], count: number, more: Readonly<Record<string, number>> = {}) =>
    wllama.createCompletion({
      prompt: String.fromCharCode(...prompt),
      max_tokens: count,
      temperature: 0,
      top_k: 1,
      samplers: ["top_k"],
      ignore_eos: true,
      cache_prompt: false,
      stream: true,
      ...more,
    });
  return {
    write: async (prompt, count, read) => {
      let written = 0;
      for await (const _ of await complete(prompt, count + 1)) if (written++ === 0) await read();
    },
    likeliest: async (prompt, count) => {
      for await (const { choices } of await complete(prompt, 1, { logprobs: count })) {
        const content = choices[0]?.logprobs?.content[0];
        if (content) return content.top_logprobs.map(({ id }) => id);
      }
      throw new Error("wllama gave no likely tokens");
    },
  };
}
