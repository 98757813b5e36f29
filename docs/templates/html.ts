/** Text as HTML: escaping, Markdown with formulas, highlighted source. */
import katex from "katex";
import MarkdownIt from "markdown-it";
import { createHighlighter } from "shiki";
import { formulas } from "./formulas.ts";

const escaped = (text: string): string =>
  text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");

/** What is HTML already. */
export class Html {
  constructor(readonly text: string) {}
  toString(): string {
    return this.text;
  }
}
type Part = Html | string | number | false | undefined | null | readonly Part[];
const part = (value: Part): string =>
  value === false || value === undefined || value === null
    ? ""
    : value instanceof Html
      ? value.text
      : Array.isArray(value)
        ? value.map(part).join("")
        : escaped(String(value));
/** HTML with its holes escaped, but for those that are HTML already. */
export const html = (strings: TemplateStringsArray, ...holes: readonly Part[]): Html =>
  new Html(strings.reduce((text, string, i) => text + part(holes[i - 1]) + string));
export const raw = (text: string): Html => new Html(text);

/** A displayed formula; wide ones scroll in a box that the keyboard reaches. */
export const formula = (tex: string): Html =>
  html`<div class="formula" tabindex="0" role="math" aria-label="${tex.replace(/\s+/g, " ")}">${raw(katex.renderToString(tex, { displayMode: true, throwOnError: true, output: "html" }))}</div>`;

/** Turns ids of pages and arXiv numbers in rendered text into links; `base` leads to the root of the site. */
export function linked(text: string, ids: ReadonlySet<string>, base: string): string {
  return text
    .replace(/<code>([a-z-]+\/[a-z0-9-]+)<\/code>/g, (whole, id: string) =>
      ids.has(id) ? `<a href="${base}${id}/"><code>${id}</code></a>` : whole,
    )
    .replace(/arXiv:(\d{4}\.\d{4,5})/g, '<a href="https://arxiv.org/abs/$1">arXiv:$1</a>');
}

const markdownIt = new MarkdownIt({ html: false, typographer: false }).use(formulas);
/** `{@link name}` of a doc comment as code. */
const unlinked = (text: string): string => text.replace(/\{@link ([^}|]+)(?:\|[^}]*)?\}/g, "`$1`");
export const markdown = (text: string, ids: ReadonlySet<string>, base: string): Html =>
  raw(linked(markdownIt.render(unlinked(text)), ids, base));
export const inline = (text: string, ids: ReadonlySet<string> = new Set(), base = ""): Html =>
  raw(linked(markdownIt.renderInline(unlinked(text)), ids, base));
/** Markdown as bare text, for titles and the search. */
export const bare = (text: string): string =>
  unlinked(text)
    .replace(/\$([^$]*)\$/g, (_, tex: string) =>
      tex
        .replace(/\\(,|;|!|quad)/g, " ")
        .replace(/\\[a-zA-Z]+|[{}]/g, "")
        .trim(),
    )
    .replace(/`/g, "");

const highlighter = await createHighlighter({
  themes: ["github-light-high-contrast", "github-dark-high-contrast"],
  langs: ["typescript", "javascript", "bash", "json", "python", "html", "wgsl"],
});
/** Source in colours of both themes. */
export function code(text: string, language: string): Html {
  const lang = highlighter.getLoadedLanguages().includes(language) ? language : "text";
  return raw(
    highlighter.codeToHtml(text.trimEnd(), {
      lang,
      themes: { light: "github-light-high-contrast", dark: "github-dark-high-contrast" },
      defaultColor: false,
    }),
  );
}
