/** Text to tokens and back, by @huggingface/tokenizers, which is asked for only when a text is given. */
import { readJson, readText } from "./checkpoint.ts";
import { ModelError } from "./error.ts";
import type { Source } from "./source.ts";

export interface Message {
  readonly role: string;
  readonly content: string;
}

export interface Tokenizer {
  /** The tokens of a text; with those that the model wants around it, unless `bare`. */
  encode(text: string, bare?: boolean): number[];
  /** The text of tokens; special ones are left out. */
  decode(tokens: readonly number[]): string;
  /** The prompt of a conversation, by the model's own template; absent if it has none. */
  template?(messages: readonly Message[]): Promise<string>;
}

/** What is used of the library. */
interface Library {
  readonly Tokenizer: new (
    json: object,
    config: object,
  ) => {
    encode(text: string, options: { add_special_tokens: boolean }): { readonly ids: readonly number[] };
    decode(ids: number[], options: { skip_special_tokens: boolean }): string;
  };
}

/**
 * The tokenizer of a source: `tokenizer.json` with `tokenizer_config.json`, or what a GGUF file holds.
 *
 * @throws ModelError if there is none, or the library is not installed
 */
export async function loadTokenizer(
  source: Source,
  given?: { readonly json: unknown; readonly config: unknown },
): Promise<Tokenizer> {
  const json = given ? given.json : await readJson(source, "tokenizer.json");
  if (json === undefined)
    throw new ModelError(source.name, "there is no tokenizer.json; give tokens, or a tokenizer of your own");
  const config = ((given ? given.config : await readJson(source, "tokenizer_config.json")) ?? {}) as Record<
    string,
    unknown
  >;
  const library = (await tokenizers()) as Library;
  const tokenizer = new library.Tokenizer(json as object, config);
  const template = (await readText(source, "chat_template.jinja")) ?? config.chat_template;
  return {
    encode: (text, bare = false) => [...tokenizer.encode(text, { add_special_tokens: !bare }).ids],
    // The library refuses to decode nothing.
    decode: (tokens) => (tokens.length ? tokenizer.decode([...tokens], { skip_special_tokens: true }) : ""),
    ...(typeof template === "string" && {
      template: async (messages: readonly Message[]) => {
        const { Template } = await jinja();
        const texts = Object.fromEntries(
          Object.entries(config).flatMap(([name, value]) =>
            /_token$/.test(name) ? [[name, typeof value === "string" ? value : contentOf(value)]] : [],
          ),
        );
        return new Template(template).render({ messages, add_generation_prompt: true, ...texts });
      },
    }),
  };
}

const contentOf = (token: unknown): string =>
  typeof token === "object" && token !== null && "content" in token ? String(token.content) : "";

// Bundlers let an import that is not installed pass if it is caught where it stands.
async function tokenizers() {
  try {
    return await import("@huggingface/tokenizers");
  } catch (cause) {
    throw missing("@huggingface/tokenizers", cause);
  }
}

async function jinja() {
  try {
    return await import("@huggingface/jinja");
  } catch (cause) {
    throw missing("@huggingface/jinja", cause);
  }
}

const missing = (name: string, cause: unknown): ModelError =>
  new ModelError(name, `this package is needed for texts and is not installed; install it (npm i ${name})`, { cause });
