/** Writes a llama of random weights as a GGUF file, version 3 (ggml-org/ggml docs/gguf.md), with a tokenizer made up for it. */
import { type FileHandle, open } from "node:fs/promises";
import { openCheckpoint } from "../../../src/models/checkpoint.ts";
import { type Encoding, encodings } from "../../../src/models/encodings.ts";
import { toQ4_0, toQ8_0 } from "../../../src/models/gguf-blocks.ts";
import { halfPlace, read } from "../../../src/models/reading.ts";
import type { Source } from "../../../src/models.ts";

type Name = "F32" | "Q8_0" | "Q4_0";
/** The number of an encoding in the file. */
const numbers: Readonly<Record<Name, number>> = { F32: 0, Q4_0: 2, Q8_0: 8 };
const encoders: Readonly<Record<Name, (values: Float32Array) => Uint8Array>> = {
  F32: (values) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
  Q8_0: toQ8_0,
  Q4_0: toQ4_0,
};
const alignment = 32;
const aligned = (size: number): number => Math.ceil(size / alignment) * alignment;

const inLayer: Readonly<Record<string, string>> = {
  input_layernorm: "attn_norm",
  "self_attn.q_proj": "attn_q",
  "self_attn.k_proj": "attn_k",
  "self_attn.v_proj": "attn_v",
  "self_attn.o_proj": "attn_output",
  post_attention_layernorm: "ffn_norm",
  "mlp.gate_proj": "ffn_gate",
  "mlp.up_proj": "ffn_up",
  "mlp.down_proj": "ffn_down",
};

/** The name that a tensor of Hugging Face has in GGUF files. */
function nameOf(name: string): string {
  if (name === "model.embed_tokens.weight") return "token_embd.weight";
  if (name === "model.norm.weight") return "output_norm.weight";
  const [, layer, part] = /^model\.layers\.(\d+)\.(.+)\.weight$/.exec(name) ?? [];
  const known = part && inLayer[part];
  if (!known) throw new Error(`${name} has no name in GGUF files`);
  return `blk.${layer}.${known}.weight`;
}

/** The bytes of ASCII have tokens of their own: single ones of other bytes are no text, which stops wllama. */
const bytes = 128;

/** Byte-level tokens: bytes in their order, then pairs and triples of letters, with the merges that give them. */
function tokenizer(count: number): { readonly tokens: string[]; readonly merges: string[] } {
  let hidden = 256;
  const shown = (byte: number) => byte > 32 && byte < 127;
  const tokens = Array.from({ length: bytes }, (_, byte) => String.fromCharCode(shown(byte) ? byte : hidden++));
  const letters = tokens.filter((token) => /^[A-Za-z]$/.test(token));
  const merges: string[] = [];
  for (let from: readonly string[] = letters; tokens.length < count - 1; from = tokens.slice(bytes))
    for (const start of from)
      for (const letter of letters) {
        if (tokens.length === count - 1) break;
        tokens.push(start + letter);
        merges.push(`${start} ${letter}`);
      }
  return { tokens: [...tokens, "<|end|>"], merges };
}

/** Little-endian bytes of a header. */
class Header {
  readonly #parts: Uint8Array[] = [];
  readonly #put = (size: number, write: (view: DataView) => void) => {
    const bytes = new Uint8Array(size);
    write(new DataView(bytes.buffer));
    this.#parts.push(bytes);
  };

  u32 = (value: number) => this.#put(4, (view) => view.setUint32(0, value, true));
  u64 = (value: number) => this.#put(8, (view) => view.setBigUint64(0, BigInt(value), true));
  f32 = (value: number) => this.#put(4, (view) => view.setFloat32(0, value, true));
  text(value: string): void {
    const bytes = new TextEncoder().encode(value);
    this.u64(bytes.length);
    this.#parts.push(bytes);
  }

  pair(key: string, value: number | boolean | string | readonly string[] | { readonly float: number }): void {
    this.text(key);
    if (typeof value === "number") {
      this.u32(4);
      this.u32(value);
    } else if (typeof value === "boolean") {
      this.u32(7);
      this.#put(1, (view) => view.setUint8(0, Number(value)));
    } else if (typeof value === "string") {
      this.u32(8);
      this.text(value);
    } else if ("float" in value) {
      this.u32(6);
      this.f32(value.float);
    } else {
      this.u32(9);
      this.u32(8);
      this.u64(value.length);
      for (const one of value) this.text(one);
    }
  }

  bytes(): Uint8Array {
    const bytes = Buffer.concat(this.#parts);
    return Buffer.concat([bytes, new Uint8Array(aligned(bytes.length) - bytes.length)]);
  }
}

/** Matrices in `body`, but embeddings in `embedding`; vectors in float32. */
export async function writeGguf(source: Source, path: string, body: Name, embedding: Name): Promise<void> {
  const { config, tensors } = await openCheckpoint(source);
  const heads = config.count("num_attention_heads");
  const width = config.count("hidden_size") / heads;
  const vocabulary = config.count("vocab_size");
  const { tokens, merges } = tokenizer(vocabulary);
  const metadata = {
    "general.architecture": "llama",
    "general.name": source.name,
    "general.file_type": body === "Q4_0" ? 2 : 7,
    "llama.context_length": 2048,
    "llama.embedding_length": config.count("hidden_size"),
    "llama.block_count": config.count("num_hidden_layers"),
    "llama.feed_forward_length": config.count("intermediate_size"),
    "llama.attention.head_count": heads,
    "llama.attention.head_count_kv": config.count("num_key_value_heads"),
    "llama.attention.layer_norm_rms_epsilon": { float: config.number("rms_norm_eps") },
    "llama.rope.freq_base": { float: config.number("rope_theta") },
    "llama.rope.dimension_count": width,
    "llama.vocab_size": vocabulary,
    "tokenizer.ggml.model": "gpt2",
    "tokenizer.ggml.pre": "smollm",
    "tokenizer.ggml.tokens": tokens,
    "tokenizer.ggml.merges": merges,
    "tokenizer.ggml.eos_token_id": vocabulary - 1,
    "tokenizer.ggml.bos_token_id": vocabulary - 1,
    "tokenizer.ggml.add_bos_token": false,
  } as const;
  const header = new Header();
  header.u32(0x46554747);
  header.u32(3);
  header.u64(tensors.size);
  header.u64(Object.keys(metadata).length);
  for (const [key, value] of Object.entries(metadata)) header.pair(key, value);
  let offset = 0;
  const planned = [...tensors].map(([name, stored]) => {
    const count = stored.shape.reduce((product, length) => product * length, 1);
    const as: Name = stored.shape.length === 1 ? "F32" : name.includes("embed") ? embedding : body;
    header.text(nameOf(name));
    header.u32(stored.shape.length);
    for (const length of [...stored.shape].reverse()) header.u64(length);
    header.u32(numbers[as]);
    header.u64(offset);
    const { values, bytes: size } = encodings[as]!;
    offset += aligned((count / values) * size);
    return { name, stored, count, as };
  });
  const file = await open(path, "w");
  try {
    await put(file, header.bytes());
    for (const { name, stored, count, as } of planned) {
      const values = new Float32Array(count);
      await read({ ...stored, encoding: stored.encoding as Required<Encoding> }, name, count, undefined, (from, some) =>
        values.set(some, from),
      );
      const paired = /\.[qk]_proj\./.test(name) ? sideBySide(values, stored.shape[1]!, width) : values;
      const bytes = encoders[as](paired);
      await put(file, Buffer.concat([bytes, new Uint8Array(aligned(bytes.length) - bytes.length)]));
    }
  } finally {
    await file.close();
  }
}

/** `FileHandle.write` may write less than all. */
async function put(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at)).bytesWritten;
}

/** Rows of heads whose rotary pairs become neighbours, as llama's are in GGUF files. */
function sideBySide(values: Float32Array, columns: number, width: number): Float32Array {
  const turned = new Float32Array(values.length);
  for (let row = 0; row < values.length / columns; row++) {
    const from = halfPlace(row, width) * columns;
    turned.set(values.subarray(from, from + columns), row * columns);
  }
  return turned;
}
