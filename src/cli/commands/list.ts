import { readFile } from "node:fs/promises";
import { nearest } from "../../../spec/page.ts";
import { evidence, ids, load } from "../../index.ts";
import { parse, text, UsageError } from "../arguments.ts";
import { columns, json } from "../print.ts";

export const usage = `attnspec list [--family NAME] [--coverage] [--json]
  Every mechanism: id, name and how it is confirmed. --coverage: every paper and the pages that answer it.`;

interface Paper {
  readonly paper: number;
  readonly title: string;
  readonly kind: string;
  readonly why: string;
  readonly pages: readonly string[];
}
export type State = "written" | "in part" | "not written" | "no mechanism";
export interface Coverage {
  readonly papers: readonly (Paper & { readonly state: State; readonly missing: readonly string[] })[];
  readonly counts: Readonly<Record<State, number>>;
  /** Mechanisms that papers call for and that have no page yet. */
  readonly missing: readonly string[];
}

/** Every paper with the pages that answer it, and whether they are written. */
export async function coverage(): Promise<Coverage> {
  const papers = JSON.parse(await readFile(new URL("../../../spec/papers.json", import.meta.url), "utf8")) as Paper[];
  const written = new Set<string>(ids);
  const rows = papers.map((paper) => {
    const missing = paper.pages.filter((page) => !written.has(page));
    const state: State =
      paper.pages.length === 0
        ? "no mechanism"
        : missing.length === 0
          ? "written"
          : missing.length < paper.pages.length
            ? "in part"
            : "not written";
    return { ...paper, state, missing };
  });
  const count = (state: State) => rows.filter((row) => row.state === state).length;
  return {
    papers: rows,
    counts: {
      written: count("written"),
      "in part": count("in part"),
      "not written": count("not written"),
      "no mechanism": count("no mechanism"),
    },
    missing: [...new Set(rows.flatMap((row) => row.missing))].sort(),
  };
}

export async function list(args: readonly string[]): Promise<number> {
  const parsed = parse(args, { family: { type: "string" }, coverage: { type: "boolean" }, json: { type: "boolean" } });
  if (parsed.words.length) throw new UsageError(`list takes no further words, got ${parsed.words.join(" ")}`);
  if (parsed.flags.coverage) return listCoverage(parsed.flags.json === true);
  const families = [...new Set(ids.map((id) => id.split("/")[0]!))];
  const family = text(parsed, "family");
  if (family !== undefined && !families.includes(family))
    throw new UsageError(
      `there is no family ${family}; did you mean ${nearest(family, families)[0]}? The families are ${families.join(", ")}`,
    );
  const chosen = ids.filter((id) => family === undefined || id.startsWith(`${family}/`));
  const pages = await Promise.all(chosen.map(async (id) => (await load(id)).page));
  if (parsed.flags.json)
    console.log(json(pages.map((page) => ({ id: page.id, name: page.name, paper: page.paper, ...evidence[page.id] }))));
  else {
    console.log(columns(pages.map((page) => [page.id, evidence[page.id]?.confidence ?? "", page.name])));
    const confirmed = pages.filter((page) => evidence[page.id]?.confidence === "confirmed").length;
    console.log(`\n${pages.length} mechanisms, ${confirmed} confirmed by their official code`);
  }
  return 0;
}

async function listCoverage(asJson: boolean): Promise<number> {
  const { papers, counts, missing } = await coverage();
  if (asJson) {
    console.log(json({ papers, counts, missing }));
    return 0;
  }
  const title = (full: string) => (full.length > 60 ? `${full.slice(0, 59)}…` : full);
  console.log(
    columns(
      papers.map((p) => [
        String(p.paper),
        p.state,
        title(p.title),
        p.pages.length ? p.pages.map((page) => (p.missing.includes(page) ? `(${page})` : page)).join(", ") : p.why,
      ]),
    ),
  );
  console.log(
    `\n${papers.length} papers: ${Object.entries(counts)
      .map(([state, n]) => `${n} ${state}`)
      .join(", ")}.`,
  );
  console.log(
    `${ids.length} pages are written; ${missing.length} more that the papers call for, in brackets above, are not.`,
  );
  return 0;
}
