/** The landing page: every mechanism as a card. */

import { described, pixels } from "./figures.ts";
import { html } from "./html.ts";
import { layout } from "./layout.ts";
import { causalWords, type Data, familyName, type Given, growthWords } from "./site.ts";

const tally = (values: readonly string[]): [string, number][] => [
  ...values.reduce((count, value) => count.set(value, (count.get(value) ?? 0) + 1), new Map<string, number>()),
];

function filter(
  name: string,
  label: string,
  options: readonly (readonly [value: string, text: string, count: number])[],
) {
  return html`<label><span>${label}</span><select name="${name}"><option value="">all</option>${options.map(
    ([value, text, count]) => html`<option value="${value}">${text} (${count})</option>`,
  )}</select></label>`;
}

function card({ pictures, words }: Data, m: Data["mechanisms"][number], n: number) {
  const { figure } = pictures.get(m.id)!;
  const grid = figure.grids[0]!;
  const wide = grid.columns > 3 * grid.rows;
  return html`<li class="card" data-family="${m.family}" data-growth="${m.growth}" data-causal="${m.causal}" data-backend="${m.backends.join(" ")}" data-confidence="${m.confidence}" data-papers="${m.papers.map((p) => p.paper).join(" ")}" data-text="${`${m.id} ${m.name} ${m.page.paper}`.toLowerCase()}">
<a href="${m.id}/">
<span class="thumb${wide && " wide"}">${pixels(m.id, 0, grid, "", described(grid, words), n > 11)}</span>
<span class="name">${m.name}</span>
<span class="facts"><span>${familyName(m.family)}</span> <span>${m.year}</span> <span>${growthWords[m.growth]}</span>${m.causal === "always" && html` <span>causal</span>`}${m.backends.map((b) => html` <span class="backend">${b}</span>`)}</span>
<span class="state ${m.confidence}">${m.confidence}</span>
</a></li>`;
}

export default class Atlas {
  data() {
    return { permalink: "index.html" };
  }
  render({ site }: Given) {
    const { mechanisms, coverage, sentence, model, pictures } = site;
    const facet = (of: (m: Data["mechanisms"][number]) => readonly string[], text: (value: string) => string) =>
      tally(mechanisms.flatMap(of)).map(([value, count]) => [value, text(value), count] as const);
    const papers = coverage.papers
      .map(
        (paper) =>
          [
            String(paper.paper),
            paper.title,
            mechanisms.filter((m) => m.papers.some((p) => p.paper === paper.paper)).length,
          ] as const,
      )
      .filter(([, , count]) => count > 0)
      .sort(([, a], [, b]) => a.localeCompare(b));
    const confirmed = mechanisms.filter((m) => m.confidence === "confirmed").length;
    const implied = mechanisms.filter((m) => pictures.get(m.id)!.figure.kind === "weights").length;
    return layout({
      title: "Atlas of attention — attnspec",
      description: `${mechanisms.length} attention mechanisms as executable specifications, each with the map it really draws.`,
      base: "",
      here: "atlas",
      kind: "atlas",
      scripts: ["atlas.js"],
      body: html`
<section class="opening">
<div><h1>An atlas of attention</h1>
<p class="lead">${mechanisms.length} mechanisms, each one executable page that reads as its paper’s formula. ${confirmed} reproduce the numbers of the official code. Every picture is computed by the page it stands for.</p></div>
<p class="aside">All pictures come from one input: what a small language model (${model.split("/").at(-1)}) computes for “${sentence}” Rows are the tokens that look, columns those looked at. For ${implied} mechanisms this is the attention map itself, had by making the values the identity; the others show how far each token moves each output, or what their outputs are.</p>
</section>
<form class="filters" role="search" aria-label="Filter the mechanisms">
<label class="query"><span>Find</span><input name="text" type="search" autocomplete="off" placeholder="name, id or author"></label>
${filter(
  "family",
  "Family",
  facet((m) => [m.family], familyName),
)}
${filter(
  "causal",
  "Causal",
  facet(
    (m) => [m.causal],
    (v) => causalWords[v as "no"],
  ),
)}
${filter(
  "growth",
  "Cost in tokens",
  facet(
    (m) => [m.growth],
    (v) => growthWords[v as "tokens"],
  ),
)}
${filter(
  "backend",
  "Backend",
  facet(
    (m) => m.backends,
    (v) => v,
  ),
)}
${filter(
  "confidence",
  "Confidence",
  facet(
    (m) => [m.confidence],
    (v) => v,
  ),
)}
${filter("paper", "Paper", papers)}
<p class="count" aria-live="polite"><output>${mechanisms.length}</output> of ${mechanisms.length} <button type="reset" hidden>show all</button></p>
</form>
<ul class="cards">
${mechanisms.map((m, n) => card(site, m, n))}
</ul>
<p class="nothing" hidden>Nothing fits all of these. Take one away.</p>`,
    });
  }
}
