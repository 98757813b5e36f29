/** The last part of the tour: a real model writes, and its logits are compared with the specification's own. */
import { likeliest } from "../../models/sampling.ts";
import { embedded, generate, loadModel } from "../../models.ts";
import { logitsOf, readLlama } from "./exact-llama.ts";

const prompt = "And God said unto the people,";

/** Writes to stdout. */
export async function writing(say: (text: string) => void): Promise<void> {
  const source = embedded();
  const model = await loadModel(source, { activations: "float32" });
  try {
    const tokenizer = await model.tokenizer();
    const tokens = tokenizer.encode(prompt);
    const logits = logitsOf(await readLlama(source), tokens);
    const exact = Array.from({ length: model.plan.vocabulary }, (_, token) => logits(tokens.length - 1, token));
    const ours = model.forward([{ tokens }]).logits[0]!;
    const far = exact.reduce((most, logit, token) => Math.max(most, Math.abs(logit - ours[token]!)), 0);
    say(`   What comes after “${prompt}”, by the pages in float64 and by the WebAssembly kernels in float32:\n`);
    const share = (value: number) => `${(100 * Math.exp(value)).toFixed(4)} %`.padStart(11);
    const wide = likeliest(Float32Array.from(exact), 5);
    const found = new Map(likeliest(ours, ours.length).map(({ token, logProbability }) => [token, logProbability]));
    for (const { token, logProbability } of wide)
      say(
        `   ${JSON.stringify(tokenizer.decode([token])).padEnd(12)}${share(logProbability)}${share(found.get(token)!)}`,
      );
    say(`\n   The ${exact.length} logits differ by at most ${far.toExponential(1)}.\n`);
    const options = { maxTokens: 60, temperature: 0.7, topP: 0.9, seed: 4 };
    const started = performance.now();
    let [text, count] = ["", 0];
    for await (const piece of generate(model, prompt, options)) {
      text += piece.text;
      count++;
    }
    const seconds = (performance.now() - started) / 1000;
    say(`   ${prompt}${text.replace(/\n/g, "\n   ")}`);
    say(`\n   (${count} tokens, ${(count / seconds).toFixed(0)} a second)`);
  } finally {
    model.dispose();
  }
}
