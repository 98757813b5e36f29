import { load } from "../../index.ts";
import { allowance } from "../../oracle/budget.ts";
import { type Judged, check as judge } from "../../oracle/check.ts";
import type { Dtype } from "../../oracle/precisions.ts";
import { short } from "../../oracle/verdict.ts";
import { needed, parse, settings, text, UsageError } from "../arguments.ts";
import { json } from "../print.ts";
import { readInputs, readOutputs } from "../tensors.ts";

export const usage = `attnspec check ID --input IN --actual OUT [--set option=value]… [--dtype f32|f16|bf16] [--json]
  A verdict on somebody's result: exit 0 if it lies within the error budget measured on this input, 1 if not.
  IN and OUT may be one file that names its tensors in.… and out.…; options in its metadata are used.`;

const spellings: Readonly<Record<string, Dtype>> = {
  f32: "float32",
  f16: "float16",
  bf16: "bfloat16",
  float32: "float32",
  float16: "float16",
  bfloat16: "bfloat16",
};

function describe({ output, conforms, share, within, wrong, values, worst, problem }: Judged): string {
  if (problem) return `  ${output} ${problem}`;
  const at =
    worst && `${output}[${worst.index.join(", ")}] is ${short(worst.actual)}, expected ${short(worst.expected)}`;
  if (conforms)
    return `  ${output}: largest error ${(100 * share).toFixed(1)} % of the budget of ${short(within)}${at ? ` (${at})` : ""}`;
  return `  ${output}: ${wrong} of ${values} values are wrong; the worst: ${at}, ${Number.isFinite(share) ? `${short(Number(share.toPrecision(3)))} times the budget of ${short(within)}` : "no number within any budget"}`;
}

export async function check(args: readonly string[]): Promise<number> {
  const parsed = parse(args, {
    input: { type: "string" },
    actual: { type: "string" },
    set: { type: "string", multiple: true },
    dtype: { type: "string" },
    json: { type: "boolean" },
  });
  const [id] = parsed.words;
  if (!id || parsed.words.length > 1) throw new UsageError("check takes one id; `attnspec list` names them");
  const spelled = text(parsed, "dtype") ?? "f32";
  const dtype = Object.hasOwn(spellings, spelled) ? spellings[spelled]! : undefined;
  if (!dtype) throw new UsageError(`--dtype must be f32, f16 or bf16, got ${spelled}`);
  const { page } = await load(id);
  const { inputs, options: stored } = await readInputs(
    page,
    needed(parsed, "input", "the inputs, a .safetensors file or a folder of .npy files"),
  );
  const actual = await readOutputs(
    page,
    needed(parsed, "actual", "the result to judge, a .safetensors file or a folder of .npy files"),
  );
  if (Object.keys(actual).length === 0)
    throw new UsageError(
      `${text(parsed, "actual")} holds no output of ${page.id}; expected ${Object.keys(page.outputs).join(", ")}`,
    );
  const options = { ...stored, ...settings(page, parsed) };
  const { conforms, outputs, unjudged, loose } = judge(page, inputs as never, options, actual, dtype);
  if (parsed.flags.json) console.log(json({ id: page.id, conforms, dtype, allowance, outputs, unjudged, loose }));
  else {
    console.log(`${page.id}: ${conforms ? "conforms" : "does not conform"} (${dtype})`);
    for (const j of outputs) console.log(describe(j));
    if (unjudged.length) console.log(`  not given, so not judged: ${unjudged.join(", ")}`);
    if (loose.length)
      console.log(
        `  ill-conditioned on this input at ${dtype}, so that an error can hardly be told: ${loose.join(", ")}`,
      );
  }
  return conforms ? 0 : 1;
}
