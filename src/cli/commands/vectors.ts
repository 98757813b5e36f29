import { mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { load } from "../../index.ts";
import { writeSafetensors } from "../../io/safetensors.ts";
import { vectors as makeVectors } from "../../oracle/vectors.ts";
import { needed, parse, settings, UsageError, whole } from "../arguments.ts";
import { json } from "../print.ts";
import { storable } from "../tensors.ts";
import { version } from "../version.ts";

export const usage = `attnspec vectors ID --output DIR [--count 10] [--seed 1] [--set option=value]… [--json]
  Portable conformance vectors: case-<n>.safetensors (in.<name>, out.<name>, float64) and manifest.json with options,
  shapes and the error budget of each output in float32, float16 and bfloat16.`;

export async function vectors(args: readonly string[]): Promise<number> {
  const parsed = parse(args, {
    output: { type: "string" },
    count: { type: "string" },
    seed: { type: "string" },
    set: { type: "string", multiple: true },
    json: { type: "boolean" },
  });
  const [id] = parsed.words;
  if (!id || parsed.words.length > 1) throw new UsageError("vectors takes one id; `attnspec list` names them");
  const mechanism = await load(id);
  const { page } = mechanism;
  const folder = resolve(needed(parsed, "output", "the folder the vectors go to"));
  const [count, seed] = [whole(parsed, "count", 10), whole(parsed, "seed", 1, 0)];
  const present = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [] as string[];
    throw error.code === "ENOTDIR" ? new UsageError(`${folder} is a file; give a new folder`) : error;
  });
  if (present.length) throw new UsageError(`${folder} is not empty; give a new folder`);
  const made = makeVectors(mechanism, { count, seed, fixed: { options: settings(page, parsed) } });
  const partial = `${folder}.partial-${process.pid}`;
  try {
    await mkdir(partial, { recursive: true });
    const cases = [];
    for (const [n, vector] of made.entries()) {
      const file = `case-${n}.safetensors`;
      const options = Object.fromEntries(
        Object.entries(vector.options).map(([name, value]) => [name, storable(value)]),
      );
      const named = (side: string, tensors: typeof vector.inputs) =>
        Object.entries(tensors).map(([name, t]) => [`${side}.${name}`, { ...t, dtype: "F64" as const }]);
      await writeFile(
        join(partial, file),
        writeSafetensors(Object.fromEntries([...named("in", vector.inputs), ...named("out", vector.outputs)]), {
          page: page.id,
          options: JSON.stringify(options),
        }),
      );
      const shapes = (tensors: typeof vector.inputs) =>
        Object.fromEntries(Object.entries(tensors).map(([name, t]) => [name, t.shape]));
      cases.push({
        file,
        options,
        sizes: vector.sizes,
        inputs: shapes(vector.inputs),
        outputs: shapes(vector.outputs),
        budgets: vector.budgets,
      });
    }
    await writeFile(
      join(partial, "manifest.json"),
      `${json({ attnspec: version, page: page.id, seed, inputs: page.inputs, outputs: page.outputs, cases })}\n`,
    );
    await rm(folder, { recursive: true, force: true });
    await rename(partial, folder);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
  if (parsed.flags.json) console.log(json({ id: page.id, output: folder, count: made.length }));
  else console.log(`${page.id}: ${made.length} vectors → ${folder}`);
  return 0;
}
