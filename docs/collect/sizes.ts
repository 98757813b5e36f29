/** How large what a page or Worker loads is, as a server sends it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";
import { build } from "esbuild";
import { cache } from "../../scripts/kernels.ts";
import { root } from "../../scripts/pages.ts";

/** Bytes as they are, and compressed (Brotli). */
export interface Size {
  readonly bytes: number;
  readonly compressed: number;
}
export interface Sizes {
  /** `attnspec/wasm`, and the larger of the two kernel files, of which an engine loads one. */
  readonly loader: Size;
  readonly kernels: Size;
  /** `attnspec/models` with all it needs but the libraries for texts; the loader is among it. */
  readonly models: Size;
  /** `@huggingface/tokenizers` and `@huggingface/jinja`. */
  readonly tokenizers: Size;
  readonly jinja: Size;
  /** The weights and the tokenizer of the package's own model. */
  readonly embedded: Size;
}

/** Servers that compress as they send take no longer than this quality does. */
const params = { [constants.BROTLI_PARAM_QUALITY]: 9 };
const sizeOf = (...files: readonly Uint8Array[]): Size => ({
  bytes: files.reduce((sum, { length }) => sum + length, 0),
  compressed: files.reduce((sum, file) => sum + brotliCompressSync(file, { params }).length, 0),
});

/** The bundle of an entry, as a page would have it; what a page cannot have in it is an error. */
async function bundled(entry: string, external: readonly string[] = []): Promise<Uint8Array> {
  const { outputFiles } = await build({
    stdin: { contents: `export * from ${JSON.stringify(entry)};`, resolveDir: root },
    ...{ bundle: true, minify: true, format: "esm", platform: "browser", write: false, logLevel: "silent" },
    external: [...external],
  });
  return outputFiles[0]!.contents;
}

/** Compile the kernels first (`compileKernels(cache)`). */
export async function sizes(): Promise<Sizes> {
  const kernels = ["kernels.wasm", "kernels.relaxed.wasm"].map((file) => sizeOf(readFileSync(join(cache, file))));
  const embedded = ["model.safetensors", "tokenizer.json"].map((file) =>
    readFileSync(join(root, "src/models/embedded", file)),
  );
  return {
    loader: sizeOf(await bundled("./src/wasm.ts")),
    kernels: kernels.reduce((a, b) => (a.compressed > b.compressed ? a : b)),
    models: sizeOf(await bundled("./src/models.ts", ["@huggingface/*"])),
    tokenizers: sizeOf(await bundled("@huggingface/tokenizers")),
    jinja: sizeOf(await bundled("@huggingface/jinja")),
    embedded: sizeOf(...embedded),
  };
}
