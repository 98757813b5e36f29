/** Everything the site says of a mechanism, gathered from where each fact is kept. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { root } from "../../scripts/pages.ts";
import { allowed } from "../../spec/page/options.ts";
import { type AnyPage, lettersOf, shapeOf } from "../../spec/page.ts";
import { type Coverage, coverage } from "../../src/cli/commands/list.ts";
import { type Confidence, catalogue, evidence, type Id, ids } from "../../src/index.ts";
import { readSafetensors } from "../../src/io/safetensors.ts";
import { owed, sentence } from "../../src/oracle/laws.ts";
import { implementations } from "../../src/pages.ts";
import { implementations as onGpu } from "../../src/webgpu/pages.ts";
import { goldenFiles } from "../../test/golden.ts";
import { benches, captionOf, columns, noteOf, rowOf } from "./benches.ts";
import { type Comment, commentOf, parseComment } from "./comment.ts";
import { type Growth, growth } from "./growth.ts";
import { type Example, proved } from "./tests.ts";

export interface Relation {
  readonly id: string;
  /** The law that states it, or how the comment names it. */
  readonly says: string;
}
export interface Measured {
  readonly title: string;
  readonly note: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
}
export interface Facts {
  readonly id: Id;
  readonly family: string;
  readonly name: string;
  readonly exported: string;
  readonly page: AnyPage;
  readonly comment: Comment;
  readonly source: string;
  readonly year: number;
  readonly growth: Growth;
  /** Whether no token sees a later one: by definition, by an option, or not. */
  readonly causal: "always" | "by option" | "no";
  readonly backends: readonly string[];
  readonly confidence: Confidence;
  readonly cases: number;
  readonly vectors: readonly { readonly source: string; readonly call: string; readonly count: number }[];
  readonly properties: readonly string[];
  readonly owed: readonly string[];
  readonly laws: readonly string[];
  readonly examples: readonly Example[];
  readonly relations: readonly Relation[];
  readonly papers: readonly { readonly paper: number; readonly title: string }[];
  readonly measured: readonly Measured[];
}

/** Ids named in the code of a page's imports: the pages it is a layer around. */
export function importsOf(source: string, family: string): string[] {
  const tree = ts.createSourceFile("page.ts", source, ts.ScriptTarget.Latest);
  return tree.statements.flatMap((statement) => {
    if (!ts.isImportDeclaration(statement)) return [];
    const name = /^\.\/([a-z0-9-]+)\.ts$/.exec((statement.moduleSpecifier as ts.StringLiteral).text)?.[1];
    return name ? [`${family}/${name}`] : [];
  });
}

/** Which backends implement a page. */
const backendsOf = (id: Id): string[] => [
  ...(Object.hasOwn(implementations, id) ? ["wasm"] : []),
  ...(Object.hasOwn(onGpu, id) ? ["webgpu"] : []),
];

interface MeasuredFile {
  readonly title: string;
  readonly note: string;
  readonly columns: readonly string[];
  /** Of a table that belongs to a guide, nothing. */
  readonly pages?: Readonly<Record<string, readonly (readonly (string | number)[])[]>>;
}
/** What was measured, from the bench and from `docs/data/*.json`: `{ title, note, columns, pages: { id: rows } }`. A page without an entry says nothing. */
export function measurements(folder = join(root, "docs/data")): (id: string) => Measured[] {
  const files = existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => name.endsWith(".json"))
        .sort()
        .map((name) => JSON.parse(readFileSync(join(folder, name), "utf8")) as MeasuredFile)
    : [];
  const reports = benches();
  return (id) => [
    ...files.flatMap(({ title, note, columns, pages }) =>
      pages?.[id]?.length ? [{ title, note, columns, rows: pages[id] }] : [],
    ),
    ...reports.flatMap((report) => {
      const rows = report.entries.filter(({ page }) => page === id).map(rowOf);
      return rows.length ? [{ title: captionOf(report), note: noteOf(report), columns, rows }] : [];
    }),
  ];
}

function vectorsOf(id: string): Facts["vectors"] {
  const all = goldenFiles(id).map(
    (file) => readSafetensors(readFileSync(join(root, "test/golden", id, file)), file).metadata,
  );
  const by = new Map<string, { source: string; call: string; count: number }>();
  for (const { source = "", call = "" } of all) {
    const key = `${source}\n${call}`;
    by.set(key, { source, call, count: (by.get(key)?.count ?? 0) + 1 });
  }
  return [...by.values()];
}

/** Whether a page is causal along its tokens. */
export function causality(page: AnyPage): Facts["causal"] {
  const claims = (page.properties ?? []).filter((property) => "causal" in property);
  if (!claims.length) return "no";
  return claims.some((property) => !property.when) ||
    Object.values(page.options).every((option) => option.type !== "boolean")
    ? "always"
    : "by option";
}

/** What is said of an input beside its shape: what it is when left out, and what values it holds. */
export function inputNotes(page: AnyPage, name: string): { omitted: string; holds: string } {
  const { fallback } = shapeOf(page.inputs[name]!);
  const omitted =
    fallback === undefined
      ? ""
      : fallback === "none"
        ? "left out"
        : fallback === "identity"
          ? "the identity"
          : fallback;
  const domain = page.domain?.[name];
  if (domain === undefined) return { omitted, holds: "" };
  if (domain === "boolean") return { omitted, holds: "0 or 1" };
  const limits = Object.values(domain).find(Array.isArray) as readonly unknown[];
  const word = (limit: unknown) =>
    typeof limit === "function"
      ? String(limit)
          .replace(/^[^>]*=>\s*/, "")
          .replace(/\bn\.|\bo\./g, "")
      : String(limit);
  const between = `from ${word(limits[0])} to ${word(limits[1])}`;
  if ("usual" in domain) return { omitted, holds: `usually ${between}` };
  return {
    omitted,
    holds: `${"integers" in domain ? "integers" : "numbers"} ${between}${"order" in domain && domain.order ? `, ${domain.order}` : ""}`,
  };
}

export const defaultOf = (value: unknown): string =>
  typeof value === "function"
    ? String(value)
        .replace(/^[^>]*=>\s*/, "")
        .replace(/\bn\.|\bo\./g, "")
        .replace(/Math\./g, "")
    : Array.isArray(value)
      ? `[${value.join(", ")}]`
      : value === Number.POSITIVE_INFINITY
        ? "∞"
        : String(value);
export { allowed };

/** The meanings of the axis letters, from the table at the top of `spec/page.ts`. */
export function letterMeanings(): { readonly letters: readonly string[]; readonly meanings: readonly string[] }[] {
  const source = readFileSync(join(root, "spec/page.ts"), "utf8");
  return [...source.matchAll(/^ \* \| (`.+?) \| (.+) \|$/gm)].map(([, letters = "", meaning = ""]) => ({
    letters: [...letters.matchAll(/`(\w+)`/g)].map(([, letter]) => letter!),
    meanings: meaning.split("; "),
  }));
}
/** What a letter means: its own meaning, or that of the letter it varies (`Ac` varies `A`). */
export function meaningOf(letter: string): string {
  for (const { letters, meanings } of letterMeanings()) {
    const at = letters.indexOf(letter);
    if (at < 0) continue;
    const parts =
      meanings.length === letters.length
        ? meanings
        : letters.length > 1
          ? meanings.join(", ").split(/, | and /)
          : [meanings.join("; ")];
    const own = parts[at] ?? meanings.join("; ");
    return own.startsWith("of ") ? `${parts[0]!.replace(/ of .*/, "")} ${own}` : own;
  }
  return letter.length > 1 ? meaningOf(letter[0]!) : "";
}

/** The letters of a page in the order they are read. */
export const lettersOfPage = (page: AnyPage): string[] =>
  [
    ...new Set(
      [...Object.values(page.inputs), ...Object.values(page.outputs)].flatMap((text) => {
        const shape = shapeOf(text);
        return [...(shape.list ? [shape.list] : []), ...lettersOf(shape)];
      }),
    ),
  ].filter((letter) => !/^\d+$/.test(letter));

export interface Site {
  readonly mechanisms: readonly Facts[];
  readonly coverage: Coverage;
}

/** Everything the site says. */
export async function gather(): Promise<Site> {
  const [tested, covered] = await Promise.all([proved(ids), coverage()]);
  const measured = measurements();
  const loaded = await Promise.all(
    ids.map(async (id) => {
      const { page } = await catalogue[id]();
      const source = readFileSync(join(root, "spec", `${id}.ts`), "utf8");
      const comment = parseComment(commentOf(source, `${id}.ts`));
      const { examples, laws } = tested.get(id) ?? { examples: [], laws: [] };
      return {
        id,
        page: page as AnyPage,
        source,
        comment,
        examples,
        laws,
        imports: importsOf(source, id.split("/")[0]!),
      };
    }),
  );
  const mechanisms = loaded.map(({ id, page, source, comment, examples, laws, imports }): Facts => {
    const forward = laws.flatMap(({ name, pages }) => pages.map((other) => ({ id: other, says: name })));
    const backward = loaded.flatMap((other) =>
      other.laws.flatMap(({ name, pages }) =>
        pages.includes(id) ? [{ id: other.id as string, says: `${other.page.name}: ${name}` }] : [],
      ),
    );
    const around = imports.map((other) => ({ id: other, says: "this page is a layer around it" }));
    const within = loaded
      .filter((other) => other.imports.includes(id))
      .map((other) => ({ id: other.id as string, says: "is a layer around this page" }));
    const known = [...forward, ...around, ...within, ...backward];
    const named = comment.mentions
      .filter((other) => other !== id && Object.hasOwn(catalogue, other) && !known.some((k) => k.id === other))
      .map((other) => ({ id: other, says: "named above" }));
    const { confidence = "published", cases = 0 } = evidence[id] ?? {};
    return {
      id,
      family: id.split("/")[0]!,
      name: page.name,
      exported: /export const (\w+)/.exec(source)?.[1] ?? "",
      page,
      comment,
      source,
      year: Math.min(...[...page.paper.matchAll(/\b(19|20)\d\d\b/g)].map(([year]) => Number(year))),
      growth: growth(comment.cost),
      causal: causality(page),
      backends: backendsOf(id),
      confidence,
      cases,
      vectors: vectorsOf(id),
      properties: (page.properties ?? []).map(
        (property) => `${sentence(property)}${property.when ? ", under its condition" : ""}`,
      ),
      owed: owed(page).map((law) => law.name),
      laws: laws.map((law) => law.name),
      examples,
      relations: [...known, ...named],
      papers: covered.papers.filter((paper) => paper.pages.includes(id)).map(({ paper, title }) => ({ paper, title })),
      measured: measured(id),
    };
  });
  return { mechanisms, coverage: covered };
}
