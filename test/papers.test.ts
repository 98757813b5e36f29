/** The list of papers: complete, in order, and at one with the pages of the tree. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { coverage } from "../src/cli/commands/list.ts";
import { ids } from "../src/index.ts";

interface Paper {
  readonly paper: number;
  readonly title: string;
  readonly kind: string;
  readonly why: string;
  readonly pages: readonly string[];
}
const root = fileURLToPath(new URL("../", import.meta.url));
const papers = JSON.parse(readFileSync(`${root}spec/papers.json`, "utf8")) as Paper[];
const cited = [...new Set(papers.flatMap((paper) => paper.pages))];
const folders = (at: string) =>
  readdirSync(at, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
const families = [
  "analysis",
  "block",
  "channel",
  "core",
  "cross",
  "graph",
  "heads",
  "kv-cache",
  "linear",
  "low-rank",
  "mask",
  "memory",
  "positional",
  "score",
  "sparse",
  "spectral",
  "tokens",
  "vision",
];

describe("the list of papers", () => {
  test("numbers 246 papers from 0 without a gap", () =>
    expect(papers.map((paper) => paper.paper)).toEqual(Array.from({ length: 246 }, (_, i) => i)));
  test("gives every paper a title, each once", () => {
    expect(papers.filter((paper) => !paper.title.trim())).toEqual([]);
    expect(new Set(papers.map((paper) => paper.title)).size).toBe(papers.length);
  });
  test("answers every paper with pages, or says why there are none", () =>
    expect(papers.filter((paper) => paper.pages.length === 0 && !paper.why.trim()).map((p) => p.paper)).toEqual([]));
  test("names no page twice for one paper", () =>
    expect(papers.filter((p) => new Set(p.pages).size < p.pages.length).map((p) => p.paper)).toEqual([]));
  test("names pages by <family>/<words-in-kebab-case> of a known family", () =>
    expect(
      cited.filter((id) => !(/^[a-z-]+\/[a-z0-9]+(-[a-z0-9]+)*$/.test(id) && families.includes(id.split("/")[0]!))),
    ).toEqual([]));
});

describe("the tree", () => {
  test("has no family of pages that is not known", () =>
    expect(folders(`${root}spec`).filter((name) => name !== "page" && !families.includes(name))).toEqual([]));
  test("and the catalogue have the same pages", () => {
    const pages = families
      .filter((family) => existsSync(`${root}spec/${family}`))
      .flatMap((family) =>
        readdirSync(`${root}spec/${family}`).map((file) => `${family}/${file.replace(/\.ts$/, "")}`),
      );
    expect([...ids].sort()).toEqual(pages.sort());
  });
  // Vectors are captured before the page that they confirm is written, so this can only hold once all pages are.
  test("has a page for every folder of golden vectors", () =>
    expect(
      folders(`${root}test/golden`)
        .filter((family) => family !== "generators")
        .flatMap((family) => folders(`${root}test/golden/${family}`).map((page) => `${family}/${page}`))
        .filter((id) => !existsSync(`${root}spec/${id}.ts`)),
    ).toEqual([]));
});

describe("coverage", () => {
  test("counts every paper once", async () => {
    const { papers: rows, counts, missing } = await coverage();
    expect(Object.values(counts).reduce((a, b) => a + b, 0)).toBe(246);
    expect(rows.map((row) => row.paper)).toEqual(papers.map((paper) => paper.paper));
    expect(counts["no mechanism"]).toBe(papers.filter((paper) => paper.pages.length === 0).length);
    for (const state of ["written", "in part", "not written", "no mechanism"] as const)
      expect(rows.filter((row) => row.state === state)).toHaveLength(counts[state]);
    const written: readonly string[] = ids;
    expect(missing).toEqual(cited.filter((id) => !written.includes(id)).sort());
  });
  test("calls a paper written if all its pages are, and in part if some are", async () => {
    for (const { state, pages, missing } of (await coverage()).papers) {
      expect(missing.every((id) => pages.includes(id))).toBe(true);
      expect(state).toBe(
        pages.length === 0
          ? "no mechanism"
          : missing.length === 0
            ? "written"
            : missing.length === pages.length
              ? "not written"
              : "in part",
      );
    }
  });
});
