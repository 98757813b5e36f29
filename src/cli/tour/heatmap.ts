/** Attention maps in a terminal. */
import type { Tensor } from "../../../spec/page.ts";

const shades = " ·░▒▓█";
/** Steps from dark to light of the 256-colour palette: black, blues, greens, yellow, white. */
const colours = [16, 17, 18, 24, 30, 36, 71, 107, 143, 179, 221, 229, 231];

/** Whether the terminal shows colours, and the user wants them. */
export const colourful = (): boolean => process.stdout.isTTY === true && !process.env.NO_COLOR;

/** One map as lines: rows are queries, columns keys. In colour two rows share a line. */
export function heatmap({ shape, data }: Tensor, colour = colourful()): string[] {
  const [rows = 0, columns = 0] = shape;
  const top = Math.max(...Array.from(data, Number), Number.MIN_VALUE);
  const level = (t: number, s: number, steps: number) =>
    t < rows ? Math.min(steps - 1, Math.floor(Math.sqrt(Math.max(0, Number(data[t * columns + s]) / top)) * steps)) : 0;
  if (!colour)
    return Array.from({ length: rows }, (_, t) =>
      Array.from({ length: columns }, (_, s) => shades[level(t, s, shades.length)]).join(""),
    );
  return Array.from(
    { length: Math.ceil(rows / 2) },
    (_, line) =>
      `${Array.from({ length: columns }, (_, s) => `\u001b[38;5;${colours[level(2 * line, s, colours.length)]};48;5;${colours[level(2 * line + 1, s, colours.length)]}m▀`).join("")}\u001b[0m`,
  );
}

/** Blocks of lines side by side, each under its title; `width` is what is seen of a line. */
export function sideBySide(
  blocks: readonly { readonly title: string; readonly lines: readonly string[] }[],
  width: number,
  gap = 2,
): string {
  const height = Math.max(...blocks.map((block) => block.lines.length));
  const rows = [
    blocks.map(({ title }) => title.padEnd(width)),
    ...Array.from({ length: height }, (_, i) => blocks.map(({ lines }) => lines[i] ?? " ".repeat(width))),
  ];
  return rows.map((row) => row.join(" ".repeat(gap)).trimEnd()).join("\n");
}
