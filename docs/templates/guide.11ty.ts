/** One guide. */
import MarkdownIt from "markdown-it";
import type { Guide } from "../collect/guides.ts";
import { formulas } from "./formulas.ts";
import { html, linked, raw } from "./html.ts";
import { inserted, source } from "./inserted.ts";
import { layout } from "./layout.ts";
import type { Given } from "./site.ts";

const markdown = new MarkdownIt({ html: false }).use(formulas);
markdown.renderer.rules.fence = (tokens, index) => {
  const { info, content } = tokens[index]!;
  return source(content, info.split(" ")[0] || "text").text;
};

export default class GuidePage {
  data() {
    return {
      pagination: { data: "site.guides", size: 1, alias: "guide" },
      permalink: ({ guide }: { guide: Guide }) => `guides/${guide.name}/index.html`,
    };
  }
  render({ site, guide }: Given & { guide: Guide }) {
    const body = inserted(linked(markdown.render(guide.text), site.ids, "../../"), site.sizes);
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
