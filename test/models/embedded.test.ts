/** The model of the package: real text with real weights. */
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { logitsOf, readLlama } from "../../src/cli/tour/exact-llama.ts";
import { logProbabilities } from "../../src/models/sampling.ts";
import { complete, embedded, generate, loadModel, type Model } from "../../src/models.ts";
import { allowance } from "../../src/oracle/budget.ts";
import { evaluations } from "../../src/oracle/precisions.ts";
import { apart } from "./fixtures.ts";

let model: Model;
beforeAll(async () => {
  // Activations of 8 bits would add their rounding to what is judged here.
  model = await loadModel(embedded(), { activations: "float32" });
});
afterAll(() => model.dispose());

/** The beginning of a chapter that was held out of the training. */
const unseen = `In the beginning God created the heaven and the earth.
And the earth was without form, and void; and darkness was upon the face of the deep. And the Spirit of God moved upon the face of the waters.
And God said, Let there be light: and there was light.
`;

test("any text survives the tokenizer", async () => {
  const tokenizer = await model.tokenizer();
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
    }),
    { numRuns: 50 },
  );
});
test("its logits are those of the pages, within the budget of a straightforward float32 evaluation", async () => {
  const tokens = (await model.tokenizer()).encode("And God said");
  const llama = await readLlama(embedded());
  const { vocabulary } = model.plan;
  const run = () => {
    const logits = logitsOf(llama, tokens);
    return Float64Array.from({ length: tokens.length * vocabulary }, (_, i) =>
      logits(Math.floor(i / vocabulary), i % vocabulary),
    );
  };
  const exact = run();
  const error = Math.max(...evaluations("float32", run).map((values) => apart(Float32Array.from(values), exact)));
  const { logits } = model.forward([{ tokens }], { logits: "all" });
  expect(apart(logits[0]!, exact)).toBeLessThan(allowance * error);
});
test("it has learnt to write: text it never saw is far likelier to it than by chance", async () => {
  const tokens = (await model.tokenizer()).encode(unseen);
  const { logits } = model.forward([{ tokens: [0, ...tokens] }], { logits: "all" });
  const { vocabulary } = model.plan;
  const loss =
    tokens.reduce(
      (sum, token, t) => sum - logProbabilities(logits[0]!.subarray(t * vocabulary, (t + 1) * vocabulary), [token])[0]!,
      0,
    ) / tokens.length;
  expect(loss).toBeLessThan(Math.log(vocabulary) - 2);
});
test("it writes words of the language, the same for the same seed, alone or beside others", async () => {
  const options = { maxTokens: 40, temperature: 0.7, seed: 11 };
  let text = "";
  for await (const piece of generate(model, "And the LORD said", options)) text += piece.text;
  expect(text.split(/\s+/).length).toBeGreaterThan(8);
  const together = await complete(model, ["And the LORD said", "Blessed are"], options);
  expect(together[0]!.text).toBe(text);
});
