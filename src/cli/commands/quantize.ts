import { copyFile, mkdir, readdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fromFolder, type QuantiseOptions, quantise } from "../../models.ts";
import { needed, parse, text, UsageError } from "../arguments.ts";

export const usage = `attnspec quantize --model DIR --output DIR [--encoding Q8_0|Q4_0]
  Writes a model with its matrices in blocks of 8 (default) or 4 bits, beside copies of its other files.`;

export async function quantize(args: readonly string[]): Promise<number> {
  const parsed = parse(args, {
    model: { type: "string" },
    output: { type: "string" },
    encoding: { type: "string" },
  });
  if (parsed.words.length) throw new UsageError(`quantize takes no further words, got ${parsed.words.join(" ")}`);
  const from = needed(parsed, "model", "the folder of the model");
  const to = needed(parsed, "output", "the folder to write to");
  if (resolve(from) === resolve(to)) throw new UsageError("--output must be another folder than --model");
  const bytes = await quantise(fromFolder(from), {
    encoding: text(parsed, "encoding") as QuantiseOptions["encoding"],
    progress: process.stderr.isTTY ? (_, done, of) => process.stderr.write(`\r${done} of ${of} tensors`) : undefined,
  });
  await mkdir(to, { recursive: true });
  for (const file of await readdir(from))
    if (/\.(json|jinja|txt|model)$/.test(file) && file !== "model.safetensors.index.json")
      await copyFile(join(from, file), join(to, file));
  await writeFile(join(to, "model.safetensors"), bytes);
  console.error(
    `${process.stderr.isTTY ? "\r" : ""}${join(to, "model.safetensors")}: ${(bytes.length / 1e6).toFixed(2)} MB`,
  );
  return 0;
}
