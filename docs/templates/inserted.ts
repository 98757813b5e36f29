/**
 * What guides take from elsewhere: a line of its own, `<letters>`, `<options generate>`, `<example page.html>`, `<sizes>`,
 * `<data quantised.json>`, `<bench>`.
 */
import { readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { root } from "../../scripts/pages.ts";
import { benches, captionOf, columns, noteOf, rowOf } from "../collect/benches.ts";
import { letterMeanings } from "../collect/facts.ts";
import { optionsOf } from "../collect/options.ts";
import type { Size, Sizes } from "../collect/sizes.ts";
import { code, type Html, html, inline } from "./html.ts";

const table = (heads: readonly string[], rows: readonly (readonly [Html, ...Html[]])[]): Html =>
  html`<div class="scroll" tabindex="0"><table><thead><tr>${heads.map((head) => html`<th scope="col">${head}</th>`)}</tr></thead><tbody>${rows.map(
    ([name, ...cells]) => html`<tr><th scope="row">${name}</th>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>`,
  )}</tbody></table></div>`;

/** Source in a box that the keyboard reaches. */
export const source = (text: string, language: string): Html =>
  html`<div class="source" tabindex="0" role="region" aria-label="Code">${code(text, language)}</div>`;

/** The table of letters, from where it is kept. */
const letters = (): Html =>
  table(
    ["letters", "meaning"],
    letterMeanings().map(({ letters: all, meanings }) => [
      html`${all.map((l, i) => html`${i > 0 && ", "}<code>${l}</code>`)}`,
      html`${meanings.join("; ")}`,
    ]),
  );

const options = (call: string): Html =>
  table(
    ["option", "type", "meaning"],
    optionsOf(call).map(({ name, type, about }) => [
      html`<code>${name}</code>`,
      html`<code>${type}</code>`,
      inline(about),
    ]),
  );

const languages: Readonly<Record<string, string>> = { ".mjs": "javascript", ".jsonc": "json", ".html": "html" };
/** A file of `docs/examples/edge`, which the runtimes run as it stands. */
const example = (file: string): Html =>
  html`<p><code>${file}</code></p>${source(readFileSync(join(root, "docs/examples/edge", file), "utf8"), languages[extname(file)] ?? "text")}`;

const kilobytes = (bytes: number): string => `${(bytes / 1000).toFixed(bytes < 100_000 ? 1 : 0)} kB`;
const sizeTable = (sizes: Sizes): Html => {
  const row = (name: Html, { bytes, compressed }: Size): [Html, ...Html[]] => [
    name,
    html`${kilobytes(bytes)}`,
    html`${kilobytes(compressed)}`,
  ];
  return table(
    ["part", "bundled", "compressed (Brotli)"],
    [
      row(html`<code>attnspec/models</code> with the loader of the kernels`, sizes.models),
      row(html`all kernels (<code>kernels.wasm</code> or <code>kernels.relaxed.wasm</code>)`, sizes.kernels),
      row(html`<code>@huggingface/tokenizers</code>`, sizes.tokenizers),
      row(html`<code>@huggingface/jinja</code>`, sizes.jinja),
      row(html`the small model of the package, if it is used`, sizes.embedded),
    ],
  );
};

/** A table of `docs/data` that belongs to no page. */
const data = (file: string): Html => {
  const {
    note,
    columns: heads,
    rows,
  } = JSON.parse(readFileSync(join(root, "docs/data", file), "utf8")) as {
    readonly note: string;
    readonly columns: readonly string[];
    readonly rows: readonly (readonly string[])[];
  };
  return html`${table(
    heads,
    rows.map((row) => row.map((cell) => html`${cell}`) as [Html, ...Html[]]),
  )}<p class="note">${note}</p>`;
};

/** All that the bench reported. */
const bench = (): Html =>
  html`${benches().map(
    (report) =>
      html`<h3>${captionOf(report)}</h3>${table(
        columns,
        report.entries.map((entry) => rowOf(entry).map((cell) => html`${cell}`) as [Html, ...Html[]]),
      )}<p class="note">${noteOf(report)}</p>`,
  )}`;

/** Rendered Markdown with its insertions. @throws Error for one that is not known */
export function inserted(body: string, sizes: Sizes): string {
  return body.replace(/<p>&lt;(\w+)(?: ([\w.]+))?&gt;<\/p>/g, (whole, what: string, of = "") => {
    if (what === "letters") return letters().text;
    if (what === "options") return options(of).text;
    if (what === "example") return example(of).text;
    if (what === "sizes") return sizeTable(sizes).text;
    if (what === "data") return data(of).text;
    if (what === "bench") return bench().text;
    throw new Error(
      `a guide asks for ${whole}, expected <letters>, <options …>, <example …>, <sizes>, <data …> or <bench>`,
    );
  });
}
