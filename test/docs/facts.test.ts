import { describe, expect, test } from "vitest";
import { causality, defaultOf, importsOf, inputNotes, meaningOf, measurements } from "../../docs/collect/facts.ts";
import { parseGuide } from "../../docs/collect/guides.ts";
import { proved, relations } from "../../docs/collect/tests.ts";
import { html, inline, linked } from "../../docs/templates/html.ts";
import { load } from "../../src/index.ts";

describe("from a test", () => {
  test("come its examples with their numbers and its laws with the pages they speak of", async () => {
    const found = (await proved(["heads/grouped-query-attention", "core/cross-attention"])).get(
      "heads/grouped-query-attention",
    )!;
    expect(found.examples[0]).toMatchObject({
      inputs: { x: [[1]], wV: [[2, 8]] },
      outputs: { out: [[2, 2, 8, 8]] },
      options: { heads: 4, kvHeads: 2 },
    });
    expect(found.laws).toEqual([{ name: "is multi-head attention once each shared head is repeated", pages: [] }]);
  });
  test("come relations, through helpers too, but not with the page itself", () => {
    const source = [
      'import { one } from "../../../spec/core/one.ts";',
      'import { two, type Other } from "../../../spec/core/two.ts";',
      "const helper = (x) => two(x);",
      'law("equals two", cases(one), (x) => same(one(x), helper(x)));',
      'law("is even", cases(one), (x) => same(one(x), one(-x)));',
    ].join("\n");
    expect([...relations(source, "core/one")]).toEqual([
      ["equals two", ["core/two"]],
      ["is even", []],
    ]);
  });
});

describe("from a declaration", () => {
  test("comes whether it is causal", async () => {
    const of = async (id: string) => causality((await load(id)).page);
    expect([
      await of("linear/retention"),
      await of("core/scaled-dot-product-attention"),
      await of("spectral/fnet-fourier-mixing"),
    ]).toEqual(["always", "by option", "no"]);
  });
  test("comes what an input holds and is when left out", async () => {
    const { page } = await load("linear/retention");
    expect(inputNotes(page, "decaySum")).toEqual({ omitted: "0", holds: "usually from 0 to 4" });
    expect(inputNotes(page, "q")).toEqual({ omitted: "", holds: "" });
    const { page: attention } = await load("core/scaled-dot-product-attention");
    expect(inputNotes(attention, "mask")).toEqual({ omitted: "1", holds: "0 or 1" });
    expect(defaultOf(attention.options.scale!.default)).toBe("1 / sqrt(D)");
  });
  test("comes what its letters mean", () =>
    expect(["T", "Tk", "Mo", "X", "Hq"].map(meaningOf)).toEqual([
      "tokens of one sequence",
      "keys and values",
      "model width of an output",
      "columns",
      "query heads",
    ]));
  test("come the pages of its family it imports", () =>
    expect(importsOf('import { a } from "../page.ts";\nimport { b } from "./retention.ts";', "linear")).toEqual([
      "linear/retention",
    ]));
});

test("what was not measured is not spoken of", () =>
  expect(measurements("/nowhere")("core/scaled-dot-product-attention")).toEqual([]));

test("a guide is its title, what it is about, and its blocks", () =>
  expect(
    parseGuide("3-some-name.md", "# Title\n\nAbout\nit.\n\n```js run\nf();\n```\n\n```text\nx\n```\n"),
  ).toMatchObject({
    name: "some-name",
    title: "Title",
    about: "About it.",
    blocks: [
      { language: "js", info: "run", text: "f();\n" },
      { language: "text", info: "", text: "x\n" },
    ],
  }));

describe("as HTML", () => {
  test("text is escaped, HTML is not twice", () =>
    expect(html`<p>${"a < b"}${html`<i>${'"'}</i>`}${[1, false, undefined]}</p>`.text).toBe(
      "<p>a &lt; b<i>&quot;</i>1</p>",
    ));
  test("ids of pages and arXiv numbers become links", () =>
    expect(linked("<code>core/one</code> <code>core/no</code> arXiv:1706.03762", new Set(["core/one"]), "../")).toBe(
      '<a href="../core/one/"><code>core/one</code></a> <code>core/no</code> <a href="https://arxiv.org/abs/1706.03762">arXiv:1706.03762</a>',
    ));
  test("a formula in a sentence keeps its stop and its TeX; a wrong one is an error", () => {
    const made = inline("for $a < b$, and").text;
    expect(made).toContain('aria-label="a &lt; b"');
    expect(made).toMatch(/<\/span>,<\/span> and$/);
    expect(() => inline("$\\nonsense{$")).toThrow();
  });
});
