/**
 * Measures what 8 and 4 bits cost the embedded model, weights and activations, on the chapters that its training held out,
 * and writes it to `docs/data/quantised.json`, from where the documentation takes it.
 *
 *     node --import tsx scripts/quantised.ts verses.txt checkpoint [windows]
 *
 * `verses.txt` and the float32 `checkpoint` are those of src/models/embedded/train.py; a window is 256 tokens (default 40).
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { logProbabilities } from "../src/models/sampling.ts";
import { fromFolder, loadModel } from "../src/models.ts";
import { cache, compileKernels } from "./kernels.ts";
import { root } from "./pages.ts";

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

const kinds = [
  ["float32", "float32"],
  ["q8_0", "float32"],
  ["q8_0", "int8"],
  ["int8", "float32"],
  ["int8", "int8"],
  ["q4_0", "float32"],
  ["q4_0", "int8"],
] as const;

await compileKernels(cache);
const texts = heldOut(verses);
const exact: Float32Array[] = [];
const rows: (string | number)[][] = [];
for (const [weights, activations] of kinds) {
  const model = await loadModel(fromFolder(checkpoint), { weights, activations });
  const tokenizer = await model.tokenizer();
  const ids = texts.flatMap((text) => [0, ...tokenizer.encode(text)]).concat(0);
  const { vocabulary } = model.plan;
  let [loss, tokens, squares, values] = [0, 0, 0, 0];
  for (let window = 0; window < Number(windows); window++) {
    const row = ids.slice(window * 256, window * 256 + 257);
    const [logits] = model.forward([{ tokens: row.slice(0, 256) }], { logits: "all" }).logits as [Float32Array];
    if (weights === "float32") exact.push(logits);
    for (let t = 0; t < 256; t++) {
      const next = logits.subarray(t * vocabulary, (t + 1) * vocabulary);
      loss -= logProbabilities(next, [row[t + 1]!])[0]!;
      tokens++;
    }
    logits.forEach((value, i) => {
      squares += (value - exact[window]![i]!) ** 2;
      values++;
    });
  }
  const nats = loss / tokens;
  const figures = [(model.bytes / 1e6).toFixed(2), nats.toFixed(4), Math.exp(nats).toFixed(2)];
  rows.push([weights, activations, ...figures, Math.sqrt(squares / values).toFixed(3)]);
  console.error(rows.at(-1)!.join(", "));
  model.dispose();
}

const table = {
  title: "What few bits cost",
  note: `The embedded model on ${256 * Number(windows)} tokens of chapters that its training held out, with its weights and the activations they meet as said. The error is the root mean square over all logits, beside float32.`,
  columns: ["Weights", "Activations", "MB in memory", "Nats a token", "Perplexity", "Error of the logits"],
  rows,
};
writeFileSync(join(root, "docs/data/quantised.json"), `${JSON.stringify(table, null, 1)}\n`);
