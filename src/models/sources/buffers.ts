import type { Source } from "../source.ts";

/**
 * A model whose files are in memory already, by name: `{ "config.json": bytes, "model.safetensors": bytes, … }`.
 *
 * @param files views of the bytes; nothing is copied before it is converted
 */
export function fromBuffers(files: Readonly<Record<string, Uint8Array | ArrayBuffer>>, name = "buffers"): Source {
  return {
    name,
    async open(file) {
      if (!Object.hasOwn(files, file)) return undefined;
      const given = files[file]!;
      const bytes = given instanceof Uint8Array ? given : new Uint8Array(given);
      return { name: file, size: bytes.length, read: async (begin, end) => bytes.subarray(begin, end) };
    },
  };
}
