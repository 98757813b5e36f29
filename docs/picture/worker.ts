/** Draws one page after another, on a thread of its own. */
import { readFileSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { load } from "../../src/index.ts";
import { picture } from "./picture.ts";
import { sentenceOf } from "./sentence.ts";

const sentence = sentenceOf(readFileSync(workerData as string));
parentPort!.on("message", async (id: string) => {
  try {
    parentPort!.postMessage({ picture: picture((await load(id)).page, sentence) });
  } catch (error) {
    parentPort!.postMessage({ error: String(error instanceof Error ? error.stack : error) });
  }
});
