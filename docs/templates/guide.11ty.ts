/** One guide. */
import MarkdownIt from "markdown-it";
import { letterMeanings } from "../collect/facts.ts";
import type { Guide } from "../collect/guides.ts";
import { formulas } from "./formulas.ts";
import { code, html, linked, raw } from "./html.ts";
import { layout } from "./layout.ts";
import type { Given } from "./site.ts";

const markdown = new MarkdownIt({ html: false }).use(formulas);
markdown.renderer.rules.fence = (tokens, index) => {
  const { info, content } = tokens[index]!;
  return `<div class="source" tabindex="0" role="region" aria-label="Code">${code(content, info.split(" ")[0] || "text")}</div>`;
};

/** The table of letters, from where it is kept; it stands for the line `<letters>` of a guide. */
const letters = (): string =>
  html`<div class="scroll" tabindex="0"><table><thead><tr><th scope="col">letters</th><th scope="col">meaning</th></tr></thead><tbody>${letterMeanings().map(
    ({ letters: all, meanings }) =>
      html`<tr><th scope="row">${all.map((l, i) => html`${i > 0 && ", "}<code>${l}</code>`)}</th><td>${meanings.join("; ")}</td></tr>`,
  )}</tbody></table></div>`.text;

export default class GuidePage {
  data() {
    return {
      pagination: { data: "site.guides", size: 1, alias: "guide" },
      permalink: ({ guide }: { guide: Guide }) => `guides/${guide.name}/index.html`,
    };
  }
  render({ site, guide }: Given & { guide: Guide }) {
    const body = linked(markdown.render(guide.text), site.ids, "../../").replace("<p>&lt;letters&gt;</p>", letters);
    return layout({
      title: `${guide.title.replace(/`/g, "")} — attnspec`,
      description: guide.about,
      base: "../../",
      here: "guides",
      kind: "guide",
      formulas: true,
      body: html`<article class="prose">${raw(body)}</article>`,
    });
  }
}
