/** Figures as HTML: pixels as images in both themes, words along the edges, a scale. */

import { short, word } from "../client/labels.ts";
import { type Grid, places } from "../picture/figure.ts";
import { type Html, html, raw } from "./html.ts";

/** Where the image of a grid lies, below the folder of pictures. */
export const imageOf = (id: string, n: number, theme: "light" | "dark"): string => `${id}.${n}.${theme}.png`;

/** Both images of a grid; the style sheet shows one. */
export function pixels(id: string, n: number, grid: Grid, base: string, alt: string, lazy: boolean): Html {
  const image = (theme: "light" | "dark", text: string) =>
    html`<img class="${theme}" src="${base}pictures/${imageOf(id, n, theme)}" width="${grid.columns}" height="${grid.rows}" alt="${text}"${lazy && raw(' loading="lazy"')}>`;
  return html`<span class="pixels">${image("light", alt)}${image("dark", alt)}</span>`;
}

/** Labels along an axis: the words, if it is one of the sentence's tokens, or the places. */
function labels(kind: string, count: number, words: readonly string[]): readonly string[] {
  if (kind === "tokens" && count <= words.length) return words.slice(0, count).map(word);
  if (kind === "places" && count <= 24) return Array.from({ length: count }, (_, i) => String(i));
  return [];
}

/** A grid with its labels and scale. */
export function plot(
  id: string,
  n: number,
  grid: Grid,
  words: readonly string[],
  base: string,
  alt: string,
  labelled: boolean,
): Html {
  const { ramp, low, high } = places(grid);
  const [down, across] = labelled
    ? [labels(grid.down, grid.rows, words), labels(grid.across, grid.columns, words)]
    : [[], []];
  const wide = grid.columns / Math.max(grid.rows, 1);
  return html`<div class="plot${wide > 3 && " strip"}${labelled && " labelled"}" style="--rows:${grid.rows};--columns:${grid.columns}" data-grid="${n}">
${grid.title && html`<p class="over">${grid.title}</p>`}
<div class="area">
${down.length > 0 && html`<ol class="down" aria-hidden="true">${down.map((text) => html`<li>${text}</li>`)}</ol>`}
${pixels(id, n, grid, base, alt, n > 0)}
${across.length > 0 && html`<ol class="across" aria-hidden="true">${across.map((text) => html`<li><span>${text}</span></li>`)}</ol>`}
</div>
<p class="scale" aria-hidden="true"><span>${short(low)}</span><i class="${ramp}"></i><span>${short(high)}</span></p>
</div>`;
}

/** What a grid shows, for those who do not see it: its size and where its largest values are. */
export function described(grid: Grid, words: readonly string[]): string {
  const top = grid.values
    .map((value, i) => ({ value, row: Math.floor(i / grid.columns), column: i % grid.columns }))
    .filter(({ value }) => Number.isFinite(value))
    .sort((a, b) => Math.abs(b.value) - Math.abs(a.value))
    .slice(0, 3);
  const name = (kind: string, i: number) => (kind === "tokens" && words[i] ? `“${words[i]}” (${i})` : String(i));
  return `Heat map of ${grid.rows} rows and ${grid.columns} columns; largest ${top.map(({ value, row, column }) => `${short(value)} at row ${name(grid.down, row)}, column ${name(grid.across, column)}`).join("; ")}`;
}
export { short };
