/** The papers, each with the pages that answer it. */

import { pixels } from "./figures.ts";
import { html } from "./html.ts";
import { layout } from "./layout.ts";
import type { Given } from "./site.ts";

const states = {
  written: "answered in full",
  "in part": "answered in part",
  "not written": "not yet answered",
  "no mechanism": "no mechanism of its own",
} as const;

export default class Papers {
  data() {
    return { permalink: "papers/index.html" };
  }
  render({ site }: Given) {
    const { papers, counts, missing } = site.coverage;
    const names = new Map(site.mechanisms.map((m) => [m.id as string, m]));
    const order = Object.keys(states) as (keyof typeof states)[];
    // What is answered first; within a state as the list has them.
    const sorted = order.flatMap((state) => papers.filter((paper) => paper.state === state));
    return layout({
      title: "Papers — attnspec",
      description: `${papers.length} papers and the pages that answer each.`,
      base: "../",
      here: "papers",
      kind: "papers",
      scripts: ["papers.js"],
      body: html`
<section class="opening">
<h1>Papers</h1>
<p class="lead">${papers.length} papers on attention set the scope of this library. For each: the pages that answer it, or the reason why it has none.</p>
<div class="coverage" role="img" aria-label="${order.map((s) => `${counts[s]} ${states[s]}`).join(", ")}">${order.filter((s) => counts[s]).map((s) => html`<span class="${s.replace(" ", "-")}" style="flex-grow:${counts[s]}"></span>`)}</div>
<dl class="counts">${order.map((s) => html`<div><dt><i class="${s.replace(" ", "-")}"></i>${states[s]}</dt><dd>${counts[s]}</dd></div>`)}</dl>
${missing.length > 0 && html`<p class="aside">${missing.length} mechanisms that papers call for have no page yet; they are named without a link.</p>`}
</section>
<form class="filters" role="search" aria-label="Filter the papers"><label class="query"><span>Find</span><input name="text" type="search" autocomplete="off" placeholder="title or mechanism"></label>
<label><span>State</span><select name="state"><option value="">all</option>${order.map((s) => html`<option value="${s}">${states[s]} (${counts[s]})</option>`)}</select></label>
<p class="count" aria-live="polite"><output>${papers.length}</output> of ${papers.length}</p></form>
<ol class="list">
${sorted.map(({ paper, title, why, pages, state, missing: lacking }) => {
  const rest = pages.filter((id) => !lacking.includes(id));
  return html`<li id="paper-${paper}" data-state="${state}" data-text="${`${title} ${pages.join(" ")}`.toLowerCase()}">
<h2>${title}</h2>
${
  rest.length > 0 &&
  html`<ul class="answers">${rest.map((id) => {
    const m = names.get(id)!;
    return html`<li><a href="../${id}/">${pixels(id, 0, site.pictures.get(id)!.figure.grids[0]!, "../", "", true)}<span>${m.name}</span></a></li>`;
  })}</ul>`
}
${lacking.length > 0 && html`<p class="lacking">Not written yet: ${lacking.map((id, i) => html`${i > 0 && ", "}<code>${id}</code>`)}</p>`}
${why && html`<p class="why">${why.replace(/^\w/, (c) => c.toUpperCase()).replace(/\.?$/, ".")}</p>`}
</li>`;
})}
</ol>
<p class="nothing" hidden>No paper fits.</p>`,
    });
  }
}
