/** The tokenizer of a GGUF file in the form of `tokenizer.json`: byte-level BPE. */
import type { Metadata } from "./gguf.ts";

/** Kinds of tokens in `tokenizer.ggml.token_type`. */
const [control, user] = [3, 4];

/** `undefined` where the file holds none, or one of another kind. */
export function tokenizerOf(metadata: Metadata): { readonly json: unknown; readonly config: unknown } | undefined {
  const tokens = metadata["tokenizer.ggml.tokens"] as string[] | undefined;
  const merges = metadata["tokenizer.ggml.merges"] as string[] | undefined;
  if (metadata["tokenizer.ggml.model"] !== "gpt2" || !tokens || !merges) return undefined;
  const types = (metadata["tokenizer.ggml.token_type"] as number[] | undefined) ?? [];
  const special = (name: string) => {
    const id = metadata[`tokenizer.ggml.${name}_token_id`];
    return typeof id === "number" ? tokens[id] : undefined;
  };
  const added = tokens.flatMap((content, id) =>
    types[id] === control || types[id] === user
      ? [
          {
            id,
            content,
            special: types[id] === control,
            single_word: false,
            lstrip: false,
            rstrip: false,
            normalized: false,
          },
        ]
      : [],
  );
  return {
    json: {
      version: "1.0",
      added_tokens: added,
      normalizer: null,
      pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
      post_processor: null,
      decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
      model: { type: "BPE", vocab: Object.fromEntries(tokens.map((token, id) => [token, id])), merges },
    },
    config: {
      bos_token: special("bos"),
      eos_token: special("eos"),
      add_bos_token: metadata["tokenizer.ggml.add_bos_token"] ?? false,
      chat_template: metadata["tokenizer.chat_template"],
    },
  };
}
