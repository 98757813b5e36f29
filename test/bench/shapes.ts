/** Models of well-known shapes with random weights, made as they are read: nothing of them lies in memory or on disk. */
import { planOf } from "../../src/models/architectures.ts";
import { weightsOf } from "../../src/models/weights.ts";
import { Config, type Source } from "../../src/models.ts";
import { random } from "../../src/oracle.ts";

/** The configurations of HuggingFaceTB/SmolLM2-135M and sentence-transformers/all-MiniLM-L6-v2. */
export const shapes = {
  "SmolLM2-135M": {
    model_type: "llama",
    hidden_size: 576,
    num_hidden_layers: 30,
    num_attention_heads: 9,
    num_key_value_heads: 3,
    intermediate_size: 1536,
    vocab_size: 49152,
    max_position_embeddings: 8192,
    rms_norm_eps: 1e-5,
    rope_theta: 100000,
    tie_word_embeddings: true,
    hidden_act: "silu",
  },
  "MiniLM-L6": {
    model_type: "bert",
    hidden_size: 384,
    num_hidden_layers: 6,
    num_attention_heads: 12,
    intermediate_size: 1536,
    vocab_size: 30522,
    max_position_embeddings: 512,
    type_vocab_size: 2,
    layer_norm_eps: 1e-12,
    hidden_act: "gelu",
  },
} as const;

/** The number 1 in bfloat16. */
const one = 0x3f80;

/**
 * A checkpoint of that shape in bfloat16: norms multiply by 1, all else is of a normal distribution of deviation 0.05, the
 * same values over and over. `changed` stands in place of fields of the configuration.
 */
export function shaped(name: keyof typeof shapes, changed: Readonly<Record<string, unknown>> = {}, seed = 1): Source {
  const config = { ...shapes[name], ...changed };
  const header: Record<string, unknown> = {};
  const ones: { readonly begin: number; readonly end: number }[] = [];
  let end = 0;
  for (const { parts } of weightsOf(planOf(new Config(config))))
    for (const part of parts) {
      const begin = end;
      end += 2 * part.shape.reduce((product, length) => product * length, 1);
      header[part.name] = { dtype: "BF16", shape: part.shape, data_offsets: [begin, end] };
      if (/norm\.weight$/i.test(part.name)) ones.push({ begin, end });
    }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const head = new Uint8Array(8 + text.length);
  new DataView(head.buffer).setBigUint64(0, BigInt(text.length), true);
  head.set(text, 8);
  const source = random(seed);
  const values = Float32Array.from({ length: 2 ** 18 - 19 }, () => 0.05 * source.normal());
  const bits = new Uint32Array(values.buffer);
  const block = new Uint8Array(Uint16Array.from(bits, (word) => word >>> 16).buffer);
  const whole = {
    name: "model.safetensors",
    size: head.length + end,
    read: async (from: number, to: number) => {
      const bytes = new Uint8Array(to - from);
      bytes.set(head.subarray(from, to));
      for (let place = Math.max(from, head.length); place < to; ) {
        const some = block.subarray((place - head.length) % block.length).subarray(0, to - place);
        bytes.set(some, place - from);
        place += some.length;
      }
      for (const { begin, end } of ones)
        for (let place = Math.max(from, head.length + begin); place < Math.min(to, head.length + end); place++)
          bytes[place - from] = (place - head.length - begin) % 2 ? one >> 8 : one & 255;
      return bytes;
    },
  };
  const configuration = new TextEncoder().encode(JSON.stringify(config));
  const json = {
    name: "config.json",
    size: configuration.length,
    read: async (from: number, to: number) => configuration.slice(from, to),
  };
  return {
    name,
    open: async (file) => (file === "config.json" ? json : file === "model.safetensors" ? whole : undefined),
  };
}
