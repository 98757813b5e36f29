/** The last wllama whose tokens are one call each. */
import { Wllama } from "wllama2/esm/index.js";
import type { Contender } from "../contests.ts";
import type { Opened } from "./contest.ts";

export async function open({ model: name }: Contender): Promise<Opened> {
  const wasm = new URL("node_modules/wllama2/esm/single-thread/wllama.wasm", location.href).href;
  const wllama = new Wllama({ "single-thread/wllama.wasm": wasm });
  const file = await (await fetch(`data/${name}`)).blob();
  await wllama.loadModel([file], { n_ctx: 1024, n_threads: 1, n_batch: 512 });
  await wllama.samplingInit({ temp: 0, top_k: 1 });
  const read = async (prompt: readonly number[]) => {
    await wllama.kvClear();
    await wllama.decode([...prompt], {});
  };
  return {
    write: async (prompt, count, done) => {
      await read(prompt);
      await done();
      for (let i = 0; i < count; i++) {
        const { token } = await wllama.samplingSample();
        await wllama.samplingAccept([token]);
        await wllama.decode([token], {});
      }
    },
    likeliest: async (prompt, count) => {
      await read(prompt);
      return (await wllama.getLogits(count)).map(({ token }) => token);
    },
  };
}
