/** The page of one mechanism. */
import { shapeOf } from "../../spec/page.ts";
import type { Nested } from "../../src/oracle/tensors.ts";
import { allowed, defaultOf, inputNotes, lettersOfPage, meaningOf } from "../collect/facts.ts";
import { described, plot, short } from "./figures.ts";
import { bare, code, formula, type Html, html, inline, markdown, raw } from "./html.ts";
import { layout } from "./layout.ts";
import { causalWords, confidenceMeaning, type Data, type Facts, familyName, type Given, growthWords } from "./site.ts";

/** Nested numbers as rows: one line for a vector, a grid for a matrix, matrices one after another. */
export function numbers(value: Nested): Html {
  if (typeof value === "number") return html`<span class="number">${short(value)}</span>`;
  const list = value as readonly Nested[];
  if (list.every((v) => typeof v === "number"))
    return html`<table class="matrix"><tr>${list.map((v) => html`<td>${short(v as number)}</td>`)}</tr></table>`;
  if (list.every((v) => Array.isArray(v) && v.every((w) => typeof w === "number")))
    return html`<table class="matrix">${(list as number[][]).map((row) => html`<tr>${row.map((v) => html`<td>${short(v)}</td>`)}</tr>`)}</table>`;
  return html`<span class="stack">${list.map(numbers)}</span>`;
}

const optionText = (value: unknown): string =>
  Array.isArray(value) ? `[${value.join(", ")}]` : value === Number.POSITIVE_INFINITY ? "∞" : String(value);

function example({ name, inputs, outputs, options }: Facts["examples"][number]): Html {
  const list = (title: string, record: Readonly<Record<string, Nested>>) =>
    html`<div class="side"><h4>${title}</h4><dl>${Object.entries(record).map(([key, value]) => html`<div><dt><code>${key}</code></dt><dd tabindex="0">${numbers(value)}</dd></div>`)}</dl></div>`;
  return html`<div class="sides">${list("In", inputs)}${list("Out", outputs)}</div>${
    Object.keys(options).length > 0 &&
    html`<p class="with">with ${Object.entries(options).map(([key, value], i) => html`${i > 0 && ", "}<code>${key} = ${optionText(value)}</code>`)}</p>`
  }<p class="visually-hidden">${name}</p>`;
}

function examples(all: Facts["examples"]): Html {
  const [first, ...others] = all;
  if (!first) return html``;
  return html`<section id="example"><h2>Worked example</h2>
<h3 class="claim">${first.name}</h3>
${example(first)}
${others.map((one) => html`<details><summary>${one.name}</summary>${example(one)}</details>`)}
</section>`;
}

function shapes(m: Facts, site: Data): Html {
  const { page } = m;
  const shapeText = (text: string) => {
    const shape = shapeOf(text);
    const axes = shape.axes.map((axis) => axis.join("·")).join(", ");
    return html`<code>${shape.list ? `${shape.list} × ` : ""}[${axes}]</code>`;
  };
  const letters = lettersOfPage(page).filter((letter) => meaningOf(letter));
  const rules = [...Object.keys(page.requires ?? {}), ...Object.keys(page.expects ?? {})];
  const notes = Object.fromEntries(Object.keys(page.inputs).map((name) => [name, inputNotes(page, name)]));
  const some = {
    omitted: Object.values(notes).some((n) => n.omitted),
    holds: Object.values(notes).some((n) => n.holds),
  };
  const options = Object.entries(page.options);
  return html`<section id="shapes"><h2>Shapes and options</h2>
<div class="scroll" tabindex="0"><table><caption>Inputs</caption><thead><tr><th scope="col">name</th><th scope="col">shape</th>${some.omitted && html`<th scope="col">if left out</th>`}${some.holds && html`<th scope="col">holds</th>`}</tr></thead><tbody>
${Object.entries(page.inputs).map(([name, text]) => html`<tr><th scope="row"><code>${name}</code></th><td>${shapeText(text)}</td>${some.omitted && html`<td>${notes[name]!.omitted}</td>`}${some.holds && html`<td>${notes[name]!.holds}</td>`}</tr>`)}
</tbody></table></div>
<div class="scroll" tabindex="0"><table><caption>Outputs</caption><thead><tr><th scope="col">name</th><th scope="col">shape</th></tr></thead><tbody>
${Object.entries(page.outputs).map(([name, text]) => html`<tr><th scope="row"><code>${name}</code></th><td>${shapeText(text)}${shapeOf(text).fallback !== undefined && " where there is one"}</td></tr>`)}
</tbody></table></div>
${
  options.length > 0 &&
  html`<div class="scroll" tabindex="0"><table><caption>Options</caption><thead><tr><th scope="col">name</th><th scope="col">what it is</th><th scope="col">may be</th><th scope="col">default</th></tr></thead><tbody>
${options.map(([name, option]) => html`<tr><th scope="row"><code>${name}</code></th><td>${inline(option.doc)}</td><td>${allowed(option)}</td><td><code>${defaultOf(option.default)}</code></td></tr>`)}
</tbody></table></div>`
}
${rules.length > 0 && html`<p>Rules: ${rules.map((rule, i) => html`${i > 0 && "; "}${inline(rule)}`)}.</p>`}
<p class="letters">${letters.map((letter, i) => html`${i > 0 && " · "}<b>${letter}</b> ${meaningOf(letter)}`)}. A further leading axis on every input is a batch. <a href="../../guides/letters/">All letters</a></p>
${m.comment.refuses && html`<p class="refuses">${inline(m.comment.refuses, site.ids, "../../")}</p>`}
</section>`;
}

function kernels(m: Facts): Html {
  if (!m.backends.length && !m.measured.length) return html``;
  return html`<section id="kernels"><h2>Kernels</h2>
${m.backends.length > 0 && html`<p>Implemented in ${m.backends.map((b, i) => html`${i > 0 && " and "}<b>${b === "wasm" ? "WebAssembly SIMD" : b === "webgpu" ? "WebGPU" : b}</b>`)}, each judged against this page by <code>conforms</code> within the error budget of its precision.</p>`}
${m.measured.map(({ title, note, columns, rows }) => html`<div class="scroll" tabindex="0"><table><caption>${title}</caption><thead><tr>${columns.map((c) => html`<th scope="col">${c}</th>`)}</tr></thead><tbody>${rows.map((row) => html`<tr>${row.map((cell) => html`<td>${cell}</td>`)}</tr>`)}</tbody></table></div><p class="note">${note}</p>`)}
</section>`;
}

function evidenceOf(m: Facts, site: Data): Html {
  const link = (source: string): Html => {
    const github = /^([\w.-]+\/[\w.-]+)@([0-9a-f]{7,40})(?:\s+([\w./-]+))?/.exec(source);
    return github
      ? html`<a href="https://github.com/${github[1]}/${github[3] ? `blob/${github[2]}/${github[3]}` : `tree/${github[2]}`}">${source}</a>`
      : html`${source}`;
  };
  return html`<section id="confidence"><h2>Confidence: ${m.confidence}</h2>
<p>${confidenceMeaning[m.confidence]}${m.page.ours && html` ${inline(m.page.ours.replace(/^\w/, (c) => c.toUpperCase()).replace(/\.?$/, "."), site.ids, "../../")}`}</p>
${m.vectors.length > 0 && html`<ul class="vectors">${m.vectors.map(({ source, call, count }) => html`<li><b>${count} ${count === 1 ? "case" : "cases"}</b> of ${link(source)}${call && html`<br><code class="call">${call}</code>`}</li>`)}</ul>`}
${m.page.code && html`<p>Code that was read: <code>${m.page.code}</code></p>`}
</section>`;
}

/** Related mechanisms that are shown at once. */
const mostRelated = 8;

function relations(m: Facts, site: Data): Html {
  if (!m.relations.length) return html``;
  const byId = new Map<string, string[]>();
  for (const { id, says } of m.relations) byId.set(id, [...(byId.get(id) ?? []), says]);
  const name = (id: string) => site.mechanisms.find((other) => other.id === id)?.name ?? id;
  const listed = (some: readonly [string, string[]][]) =>
    html`<dl class="related">${some.map(
      ([id, says]) =>
        html`<div><dt><a href="../../${id}/">${name(id)}</a></dt>${[...new Set(says)].map((s) => html`<dd>${inline(s)}</dd>`)}</div>`,
    )}</dl>`;
  const all = [...byId];
  // What half the library is compared with would be a page of its own.
  const [first, rest] = all.length > mostRelated + 2 ? [all.slice(0, mostRelated), all.slice(mostRelated)] : [all, []];
  return html`<section id="related"><h2>Related mechanisms</h2>${listed(first)}${rest.length > 0 && html`<details><summary>${rest.length} more</summary>${listed(rest)}</details>`}</section>`;
}

function picture(m: Facts, site: Data): Html {
  const { figure, beside, options } = site.pictures.get(m.id)!;
  const set = Object.entries(options);
  const [first, ...others] = figure.grids;
  return html`<figure class="picture${others.length + beside.length === 0 && first!.columns <= 3 * first!.rows && " alone"}" id="picture">
<div class="drawn">${plot(m.id, 0, first!, site.words, "../../", described(first!, site.words), true)}
${others.length + beside.length > 0 && html`<div class="beside">${[...others, ...beside].map((grid, i) => plot(m.id, i + 1, grid, site.words, "../../", described(grid, site.words), false))}</div>`}</div>
<figcaption>${figure.caption}${set.length > 0 && html` Here ${set.map(([key, value], i) => html`${i > 0 && ", "}<code>${key} = ${optionText(value)}</code>`)}.`} <span class="status" role="status"></span></figcaption>
<div class="try"><button type="button" class="start" data-script="../../try/${m.id.replace("/", ".")}.js">Try it: set options and sizes</button></div>
</figure>`;
}

export default class Mechanism {
  data() {
    return {
      pagination: { data: "site.mechanisms", size: 1, alias: "mechanism" },
      permalink: ({ mechanism }: { mechanism: Facts }) => `${mechanism.id}/index.html`,
    };
  }
  render({ site, mechanism: m }: Given & { mechanism: Facts }) {
    const { comment } = m;
    const base = "../../";
    return layout({
      title: `${m.name} — attnspec`,
      description: bare(comment.summary),
      base,
      here: "mechanism",
      kind: "mechanism",
      formulas: true,
      scripts: ["mechanism.js"],
      body: html`
<article>
<header class="head">
<p class="crumb"><a href="${base}#family=${m.family}">${familyName(m.family)}</a> <span>${m.year}</span> <span>${growthWords[m.growth]}</span> <span>${causalWords[m.causal]}</span> <a class="state ${m.confidence}" href="#confidence">${m.confidence}</a></p>
<h1>${m.name}</h1>
<div class="lead">${markdown(comment.lead, site.ids, base)}</div>
</header>
${picture(m, site)}
<section id="formula"><h2>Formula</h2>
${comment.formulas.map(formula)}
${markdown(comment.notes, site.ids, base)}
<p class="cost"><b>Cost</b> ${inline(comment.cost, site.ids, base)}</p>
</section>
${shapes(m, site)}
${examples(m.examples)}
<section id="source"><h2>The page itself</h2>
<p>This is the whole definition, run in float64. <code>import { ${m.exported} } from "attnspec/${m.id}"</code></p>
<div class="source" tabindex="0" role="region" aria-label="Source">${code(definition(m.source), "typescript")}</div>
</section>
<section id="laws"><h2>Proved by tests</h2>
<ul class="laws">${[...m.laws, ...m.properties].map((law) => html`<li>${inline(law)}</li>`)}</ul>
<p class="note">Each is checked on drawn cases with every test run, beside what every page owes: it ${m.owed.join("; ")}.</p>
</section>
${kernels(m)}
${evidenceOf(m, site)}
${relations(m, site)}
<section id="papers"><h2>Papers</h2>
<p>${raw(inline(m.page.paper, site.ids, base).text)}</p>
${m.papers.length > 0 && html`<p>Of the papers this library set out to answer, it answers:</p><ul>${m.papers.map(({ paper, title }) => html`<li><a href="${base}papers/#paper-${paper}">${title}</a></li>`)}</ul>`}
</section>
</article>`,
    });
  }
}

/** The source without its doc comment, which the page has already shown. */
export const definition = (source: string): string =>
  source.replace(/\/\*\*[\s\S]*?\*\/\n(?=export const \w+ = mechanism)/, "");
