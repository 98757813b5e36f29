/**
 * What quantising costs the embedded model: nats a token and the error of the logits on the chapters held out, by this
 * package's kernels.
 *
 *     node --import tsx test/bench/quality.ts verses.txt checkpoint [windows]
 *
 * `verses.txt` and the float32 `checkpoint` are those of src/models/embedded/train.py; a window is 256 tokens (default 40).
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { logProbabilities } from "../../src/models/sampling.ts";
import { fromBuffers, fromFolder, loadModel, quantise } from "../../src/models.ts";

const [verses, checkpoint, windows = "40"] = process.argv.slice(2);
if (!verses || !checkpoint) throw new Error("give verses.txt and the folder of the float32 checkpoint");

/** The chapters that training holds out: every twentieth, one verse a line. */
function heldOut(path: string): string[] {
  const chapters = new Map<string, string[]>();
  for (const line of readFileSync(path, "utf8").split("\n")) {
    const found = /^(\w+):\d+ (.*)$/.exec(line.trim());
    if (found) chapters.set(found[1]!, [...(chapters.get(found[1]!) ?? []), found[2]!.trim()]);
  }
  return [...chapters.values()].map((lines) => `${lines.join("\n")}\n`).filter((_, i) => i % 20 === 0);
}

const files = ["config.json", "tokenizer.json", "tokenizer_config.json"];
const texts = heldOut(verses);
const exact: Float32Array[] = [];
for (const encoding of ["F32", "Q8_0", "Q4_0"] as const) {
  const folder = fromFolder(checkpoint);
  const weights = encoding === "F32" ? undefined : await quantise(folder, { encoding });
  const others = Object.fromEntries(files.map((file) => [file, new Uint8Array(readFileSync(join(checkpoint, file)))]));
  const model = await loadModel(weights ? fromBuffers({ ...others, "model.safetensors": weights }) : folder);
  const tokenizer = await model.tokenizer();
  const ids = texts.flatMap((text) => [0, ...tokenizer.encode(text)]).concat(0);
  let [loss, tokens, squares, values] = [0, 0, 0, 0];
  for (let window = 0; window < Number(windows); window++) {
    const row = ids.slice(window * 256, window * 256 + 257);
    const [logits] = model.forward([{ tokens: row.slice(0, 256) }], { logits: "all" }).logits as [Float32Array];
    const vocabulary = logits.length / 256;
    for (let t = 0; t < 256; t++) {
      const next = logits.subarray(t * vocabulary, (t + 1) * vocabulary);
      loss -= logProbabilities(next, [row[t + 1]!])[0]!;
      tokens++;
    }
    if (!weights) exact.push(logits);
    else
      logits.forEach((value, i) => {
        squares += (value - exact[window]![i]!) ** 2;
        values++;
      });
  }
  const error = values ? `, root mean square error of the logits ${Math.sqrt(squares / values).toFixed(3)}` : "";
  const size = weights ? `${(weights.byteLength / 1e6).toFixed(2)} MB, ` : "";
  console.log(`${encoding}: ${size}${tokens} tokens, ${(loss / tokens).toFixed(4)} nats a token${error}`);
  model.dispose();
}
