import { stat } from "node:fs/promises";
import { bind, evaluate } from "../../../spec/page.ts";
import { load } from "../../index.ts";
import { writeTensorFile } from "../../io/files.ts";
import { flatten } from "../../oracle/compare.ts";
import { needed, parse, settings, text, UsageError } from "../arguments.ts";
import { json } from "../print.ts";
import { readInputs, storable } from "../tensors.ts";

export const usage = `attnspec run ID --input IN [--set option=value]… [--backend spec] --output OUT [--json]
  Computes a mechanism in float64. IN and OUT: a .safetensors file or a folder of .npy files.`;

export async function run(args: readonly string[]): Promise<number> {
  const parsed = parse(args, {
    input: { type: "string" },
    output: { type: "string" },
    set: { type: "string", multiple: true },
    backend: { type: "string" },
    json: { type: "boolean" },
  });
  const [id] = parsed.words;
  if (!id || parsed.words.length > 1) throw new UsageError("run takes one id; `attnspec list` names them");
  const backend = text(parsed, "backend") ?? "spec";
  if (backend !== "spec") throw new UsageError(`there is no backend ${backend}; this version computes with: spec`);
  const { page } = await load(id);
  const output = needed(parsed, "output", "where the results go, a .safetensors file or a folder");
  const { inputs, options: stored } = await readInputs(
    page,
    needed(parsed, "input", "a .safetensors file or a folder of .npy files"),
  );
  const options = { ...stored, ...settings(page, parsed) };
  const outputs = flatten(evaluate(page, inputs, options));
  const all = bind(page, inputs, options).options;
  const metadata = {
    page: page.id,
    options: JSON.stringify(Object.fromEntries(Object.entries(all).map(([name, value]) => [name, storable(value)]))),
  };
  await writeTensorFile(
    output,
    Object.fromEntries(
      Object.entries(outputs).map(([name, t]) => [
        name,
        { shape: t.shape, data: Float64Array.from(t.data), dtype: "F64" as const },
      ]),
    ),
    metadata,
  );
  const shapes = Object.fromEntries(Object.entries(outputs).map(([name, t]) => [name, t.shape]));
  if (parsed.flags.json)
    console.log(json({ id: page.id, output, bytes: (await stat(output)).size, options: all, shapes }));
  else
    console.log(
      `${page.id}: ${Object.entries(shapes)
        .map(([name, shape]) => `${name} [${shape.join(", ")}]`)
        .join(", ")} → ${output}`,
    );
  return 0;
}
