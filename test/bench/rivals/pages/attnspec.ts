import { best, likeliest } from "../../../../src/models/sampling.ts";
import { embed, fromUrl, loadModel } from "../../../../src/models.ts";
import { load } from "../../../../src/wasm.ts";
import type { Contender } from "../contests.ts";
import type { Opened } from "./contest.ts";

export async function open({ model: name, weights }: Contender): Promise<Opened> {
  const kernels = await load({
    url: { simd: "data/kernels/kernels.wasm", relaxed: "data/kernels/kernels.relaxed.wasm" },
  });
  const whole = name.endsWith(".gguf");
  const source = fromUrl(new URL(`data/${whole ? "" : name}`, location.href));
  const model = await loadModel(source, { kernels, weights, gguf: whole ? name : undefined });
  if (!model.generates) return { embed: (texts) => embed(model, texts, { batch: 1024 }) };
  return {
    write: async (prompt, count, read) => {
      const cache = model.cache();
      let logits = model.forward([{ tokens: prompt, cache }]).logits[0]!;
      await read();
      for (let i = 0; i < count; i++) logits = model.forward([{ tokens: [best(logits)], cache }]).logits[0]!;
      cache.release();
    },
    likeliest: async (tokens, count) =>
      likeliest(model.forward([{ tokens }]).logits[0]!, count).map(({ token }) => token),
  };
}
