/** One script for Node, Deno and Bun: writes on from a prompt, then finds the sentence nearest to another. */
import { embed, embedded, generate, loadModel } from "attnspec/models";

const model = await loadModel(embedded()); // or fromFolder("SmolLM2-135M"), fromUrl("https://…")

let text = "And God said";
for await (const piece of generate(model, text, { maxTokens: 32, temperature: 0.7, seed: 7 })) text += piece.text;
console.log(text);

const sentences = ["They slew the king with the sword.", "And he begat sons and daughters.", "And there was light."];
const [asked, ...vectors] = await embed(model, ["And Abraham begat Isaac.", ...sentences]);
const nearness = vectors.map((vector) => vector.reduce((sum, value, i) => sum + value * asked[i], 0));
console.log(`nearest: ${sentences[nearness.indexOf(Math.max(...nearness))]}`);

model.dispose();
