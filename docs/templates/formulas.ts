/** `$…$` and `$$…$$` in Markdown, rendered by KaTeX as the site is built. */
import katex from "katex";
import type { MarkdownIt } from "markdown-it";

/** The plugin; what stands between the dollars reaches KaTeX as it is. An error in a formula is an error of the build. */
export function formulas(markdown: MarkdownIt): void {
  markdown.inline.ruler.before("escape", "formula", (state, silent) => {
    const display = state.src.startsWith("$$", state.pos);
    const mark = display ? "$$" : "$";
    if (!state.src.startsWith(mark, state.pos)) return false;
    const from = state.pos + mark.length;
    const end = state.src.indexOf(mark, from);
    if (end < 0 || end === from || (!display && /\s/.test(state.src[from]!))) return false;
    if (!silent) {
      const token = state.push("formula", "", 0);
      token.content = state.src.slice(from, end);
      token.meta = { display };
    }
    state.pos = end + mark.length;
    // A stop after a formula stays on its line.
    const stop = /^[.,;:)’”]+/.exec(state.src.slice(state.pos))?.[0] ?? "";
    if (!silent && !display && stop) {
      state.tokens.at(-1)!.meta = { display, stop };
      state.pos += stop.length;
    }
    return true;
  });
  markdown.renderer.rules.formula = (tokens, index) => {
    const { content, meta } = tokens[index]!;
    const { display, stop = "" } = meta as { display: boolean; stop?: string };
    const rendered = katex.renderToString(content.trim(), { displayMode: display, throwOnError: true, output: "html" });
    const said = content
      .trim()
      .replace(/\s+/g, " ")
      .replace(/&/g, "&amp;")
      .replace(/"/g, "&quot;")
      .replace(/</g, "&lt;");
    return display
      ? `<span class="formula" tabindex="0" role="math" aria-label="${said}">${rendered}</span>`
      : `<span class="keep"><span role="math" aria-label="${said}">${rendered}</span>${stop}</span>`;
  };
}
