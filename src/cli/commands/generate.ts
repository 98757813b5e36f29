import { type Prompt, generate as write } from "../../models.ts";
import { needed, parse, UsageError } from "../arguments.ts";
import { modelFlags, modelOf, numberOf, rate } from "../models.ts";

export const usage = `attnspec generate --prompt TEXT [--model DIR|URL|FILE.gguf] [--chat] [--max-tokens N] [--stop TEXT]…
                  [--temperature X] [--top-k N] [--top-p X] [--min-p X] [--repetition-penalty X] [--seed N] [--json]
                  [--window N [--sinks N]] [--weights float32|q8_0|q4_0|int8] [--activations int8|float32]
  Writes on from a prompt, text to stdout as it comes, tokens per second to stderr. Without --model it is the small model
  of the package. --chat: the prompt is a user's message, put into the model's template. --json: one line for each token.
  --window: only the last N tokens are kept, and the first ones (--sinks, 4), so that text goes on beyond the context.`;

const numbers = {
  "max-tokens": "maxTokens",
  temperature: "temperature",
  "top-k": "topK",
  "top-p": "topP",
  "min-p": "minP",
  "repetition-penalty": "repetitionPenalty",
  seed: "seed",
  window: "window",
  sinks: "sinks",
} as const;

export async function generate(args: readonly string[]): Promise<number> {
  const parsed = parse(args, {
    ...modelFlags,
    prompt: { type: "string" },
    chat: { type: "boolean" },
    stop: { type: "string", multiple: true },
    json: { type: "boolean" },
    ...Object.fromEntries(Object.keys(numbers).map((name) => [name, { type: "string" } as const])),
  });
  if (parsed.words.length) throw new UsageError(`generate takes no further words, got ${parsed.words.join(" ")}`);
  const asked = needed(parsed, "prompt", "the text to write on from");
  const prompt: Prompt = parsed.flags.chat ? [{ role: "user", content: asked }] : asked;
  const options = Object.fromEntries(
    Object.entries(numbers).map(([flag, option]) => [option, numberOf(parsed, flag)] as const),
  );
  const stop = [parsed.flags.stop ?? []].flat() as string[];
  const model = await modelOf(parsed);
  try {
    const started = performance.now();
    let [first, count] = [started, 0];
    for await (const piece of write(model, prompt, { ...options, stop })) {
      if (count++ === 0) first = performance.now();
      if (parsed.flags.json) console.log(JSON.stringify(piece));
      else process.stdout.write(piece.text);
    }
    if (!parsed.flags.json) process.stdout.write("\n");
    const [prefill, decode] = [first - started, performance.now() - first];
    console.error(
      `first token after ${(prefill / 1000).toFixed(2)} s${count > 1 ? `, then ${rate(count - 1, decode)}` : ""}`,
    );
    return 0;
  } finally {
    model.dispose();
  }
}
