import { readFile } from "node:fs/promises";
import { allowed } from "../../../spec/page/options.ts";
import { shapeOf } from "../../../spec/page/shape.ts";
import type { AnyPage } from "../../../spec/page.ts";
import { evidence, load } from "../../index.ts";
import { sentence } from "../../oracle/laws.ts";
import { parse, UsageError } from "../arguments.ts";
import { columns, json } from "../print.ts";
import { storable } from "../tensors.ts";

export const usage = `attnspec show ID [--source] [--json]
  What a mechanism is: formula, shapes, options, laws, source. --source: the page itself.`;

/** The doc comment and source of a page, as it stands beside this file. */
async function sourceOf(id: string): Promise<{ comment: string; source: string }> {
  const ending = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const source = await readFile(new URL(`../../../spec/${id}.${ending}`, import.meta.url), "utf8");
  const block = source.match(/\/\*\*[\s\S]*?\*\/(?=\s*export const)/g)?.at(-1) ?? "";
  const comment = block
    .replace(/^\/\*\*|\*\/$/g, "")
    .split("\n")
    .map((line) => line.replace(/^\s*\* ?/, ""))
    .join("\n")
    .replace(/\{@link (\w+)\}/g, "$1")
    .trim();
  return { comment, source };
}

const defaultOf = (value: unknown): string =>
  typeof value === "function"
    ? `from the sizes: ${String(value).replace(/^[^>]*=>\s*/, "")}`
    : Array.isArray(value)
      ? value.join(",")
      : String(value);

function declaration(page: AnyPage) {
  const { confidence, sources = [], cases = 0 } = evidence[page.id] ?? {};
  return {
    id: page.id,
    name: page.name,
    paper: page.paper,
    code: page.code,
    ours: page.ours,
    confidence,
    cases,
    sources,
    inputs: Object.fromEntries(Object.entries(page.inputs).map(([name, shape]) => [name, shape])),
    outputs: page.outputs,
    options: Object.fromEntries(
      Object.entries(page.options).map(([name, option]) => [
        name,
        {
          is: allowed(option),
          default: typeof option.default === "function" ? defaultOf(option.default) : storable(option.default),
          doc: option.doc,
        },
      ]),
    ),
    requires: Object.keys(page.requires ?? {}).concat(Object.keys(page.expects ?? {})),
    laws: (page.properties ?? []).map(sentence),
  };
}

export async function show(args: readonly string[]): Promise<number> {
  const parsed = parse(args, { json: { type: "boolean" }, source: { type: "boolean" } });
  const [id] = parsed.words;
  if (!id || parsed.words.length > 1) throw new UsageError("show takes one id; `attnspec list` names them");
  const { page } = await load(id);
  const { comment, source } = await sourceOf(page.id);
  if (parsed.flags.source) {
    console.log(source.trimEnd());
    return 0;
  }
  const facts = declaration(page);
  if (parsed.flags.json) {
    console.log(json({ ...facts, comment }));
    return 0;
  }
  const optional = (text: string) => shapeOf(text).fallback;
  const shapes = (record: Readonly<Record<string, string>>) =>
    columns(
      Object.entries(record).map(([name, text]) => [
        `  ${name}`,
        `[${shapeOf(text).text}]`,
        optional(text) === undefined ? "" : optional(text) === "none" ? "optional" : `optional, else ${optional(text)}`,
      ]),
    );
  console.log(`${page.name}  (${page.id})\n\n${comment}\n`);
  console.log(`Inputs\n${shapes(page.inputs)}\nOutputs\n${shapes(page.outputs)}`);
  if (Object.keys(page.options).length)
    console.log(
      `Options\n${columns(Object.entries(facts.options).map(([name, o]) => [`  ${name}`, o.is, `default ${typeof o.default === "string" ? o.default : String(o.default)}`, o.doc]))}`,
    );
  if (facts.requires.length) console.log(`Requires\n${facts.requires.map((rule) => `  ${rule}`).join("\n")}`);
  if (facts.laws.length) console.log(`Laws, checked\n${facts.laws.map((law) => `  ${law}`).join("\n")}`);
  console.log(
    `Confidence\n  ${facts.confidence}${facts.cases ? `: ${facts.cases} golden ${facts.cases === 1 ? "vector" : "vectors"} of ${facts.sources.join("; ")}` : page.code ? ` (${page.code})` : ""}${page.ours ? `\n  ours: ${page.ours}` : ""}`,
  );
  return 0;
}
