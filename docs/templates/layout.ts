/** The frame of every page of the site. */
import { type Html, html, raw } from "./html.ts";

export interface Frame {
  readonly title: string;
  readonly description: string;
  /** Way to the root of the site from this page: "", "../", "../../". */
  readonly base: string;
  readonly here: "atlas" | "papers" | "guides" | "mechanism" | "none";
  readonly body: Html;
  /** Classes of the main part. */
  readonly kind: string;
  readonly formulas?: boolean;
  readonly scripts?: readonly string[];
}

const sections = [
  ["atlas", "", "Atlas"],
  ["papers", "papers/", "Papers"],
  ["guides", "guides/", "Guides"],
  ["api", "api/", "API"],
] as const;

/** The chosen theme before anything is painted. */
const early = `try{const t=localStorage.getItem("theme");if(t)document.documentElement.dataset.theme=t}catch{}`;

export function layout({ title, description, base, here, body, kind, formulas = false, scripts = [] }: Frame): string {
  return `<!doctype html>
${html`<html lang="en" data-base="${base}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<meta name="description" content="${description}">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="${base}assets/icon.svg" type="image/svg+xml">
<link rel="preload" href="${base}assets/newsreader.woff2" as="font" type="font/woff2" crossorigin>
${formulas && html`<link rel="stylesheet" href="${base}assets/katex/katex.min.css">`}
<link rel="stylesheet" href="${base}assets/site.css">
<script>${raw(early)}</script>
<script type="module" src="${base}assets/site.js"></script>
${scripts.map((script) => html`<script type="module" src="${base}assets/${script}"></script>`)}
</head>
<body>
<a class="skip" href="#main">Skip to the text</a>
<header class="top">
  <a class="mark" href="${base || "./"}"><svg viewBox="0 0 12 12" aria-hidden="true"><path d="M0 0h3v3H0zM3 3h3v3H3zM6 6h3v3H6zM9 9h3v3H9z"/><path opacity=".45" d="M0 3h3v3H0zM3 6h3v3H3zM6 9h3v3H6z"/><path opacity=".2" d="M0 6h3v3H0zM3 9h3v3H3z"/></svg>attnspec</a>
  <nav aria-label="Main">${sections.map(
    ([name, path, label]) =>
      html`<a href="${base}${path || (base ? "" : "./")}"${name === here && raw(' aria-current="page"')}>${label}</a>`,
  )}</nav>
  <div class="find" role="search">
    <input id="find" type="search" placeholder="Search" aria-label="Search mechanisms and papers" role="combobox" aria-expanded="false" aria-controls="found" aria-autocomplete="list" autocomplete="off" spellcheck="false">
    <ul id="found" role="listbox" aria-label="Results" hidden></ul>
  </div>
  <button class="theme" type="button" aria-label="Switch between light and dark"><svg viewBox="0 0 24 24" aria-hidden="true"><circle cx="12" cy="12" r="9" fill="none" stroke="currentColor" stroke-width="2"/><path d="M12 3a9 9 0 0 1 0 18z" fill="currentColor"/></svg></button>
</header>
<main id="main" class="${kind}">
${body}
</main>
<footer class="end">
  <p>Made from the pages of the specification themselves: declarations, doc comments, tests and vectors. MIT licence.</p>
</footer>
</body>
</html>`}`;
}
