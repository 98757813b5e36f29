/** The list of guides. */
import { html, inline } from "./html.ts";
import { layout } from "./layout.ts";
import type { Given } from "./site.ts";

export default class Guides {
  data() {
    return { permalink: "guides/index.html" };
  }
  render({ site }: Given) {
    return layout({
      title: "Guides — attnspec",
      description: "Short guides; the code in them is run by the tests.",
      base: "../",
      here: "guides",
      kind: "guides",
      body: html`<section class="opening"><h1>Guides</h1><p class="lead">Short, and what they show is run with every test.</p></section>
<ul class="contents">${site.guides.map(({ name, title, about }) => html`<li><a href="${name}/">${title}</a><p>${inline(about, site.ids, "../")}</p></li>`)}</ul>`,
    });
  }
}
