import { type EmbedOptions, embed as vectors } from "../../models.ts";
import { parse, text, UsageError } from "../arguments.ts";
import { modelFlags, modelOf, rate } from "../models.ts";
import { json } from "../print.ts";

export const usage = `attnspec embed TEXT… --model DIR|URL|FILE.gguf [--pooling mean|cls|last] [--raw] [--json]
  A vector for each text, one line each, of length 1 unless --raw. --json: a list of lists.`;

export async function embed(args: readonly string[]): Promise<number> {
  const parsed = parse(args, {
    ...modelFlags,
    pooling: { type: "string" },
    raw: { type: "boolean" },
    json: { type: "boolean" },
  });
  if (!parsed.words.length) throw new UsageError("embed needs at least one text");
  const model = await modelOf(parsed);
  try {
    const started = performance.now();
    const pooling = text(parsed, "pooling") as EmbedOptions["pooling"];
    const found = await vectors(model, parsed.words, { pooling, normalize: !parsed.flags.raw });
    const tokenizer = await model.tokenizer();
    const tokens = parsed.words.reduce((sum, word) => sum + tokenizer.encode(word).length, 0);
    if (parsed.flags.json) console.log(json(found.map((vector) => [...vector])));
    else for (const vector of found) console.log([...vector].map((value) => value.toPrecision(7)).join(" "));
    console.error(rate(tokens, performance.now() - started));
    return 0;
  } finally {
    model.dispose();
  }
}
