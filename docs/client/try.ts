/** The demonstration: controls from the declaration, the picture redrawn by the page itself with every change. */

import { type AnyOption, accepts } from "../../spec/page/options.ts";
import type { AnyMechanism, AnyPage } from "../../spec/page.ts";
import captured from "../../src/cli/tour-data/minilm-layer.safetensors";
import { freeLetters } from "../../src/oracle/cases.ts";
import { palette, type Theme } from "../picture/colour.ts";
import { type Grid, places } from "../picture/figure.ts";
import { isToken, refusal } from "../picture/inputs.ts";
import { type Picture, picture } from "../picture/picture.ts";
import { sentenceOf } from "../picture/sentence.ts";
import { short, word } from "./labels.ts";

const sentence = sentenceOf(captured);
/** What the letters mean, as the page around says it. */
const meanings = new Map(
  [...document.querySelectorAll(".letters b")].map((letter) => [
    letter.textContent ?? "",
    (letter.nextSibling?.textContent ?? "").replace(/ · $|\..*$/g, "").trim(),
  ]),
);
type Value = boolean | number | string | readonly number[];

interface Control {
  readonly name: string;
  readonly kind: "option" | "size";
  readonly element: HTMLElement;
  readonly read: () => Value;
}

const theme = (): Theme =>
  (document.documentElement.dataset.theme as Theme | undefined) ??
  (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");

function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Partial<HTMLElementTagNameMap[K]> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

/** The stops of a slider over numbers: those the declaration names, and some between. */
function stops(option: AnyOption, now: number): number[] {
  const { min, max, above, below } = option as { min?: number; max?: number; above?: number; below?: number };
  const tried = (option.tried as readonly number[]).filter((v) => typeof v === "number");
  const whole = option.type === "integer";
  const low = min ?? above ?? Math.min(0, now);
  const spread = Math.max(...[now, ...tried].filter(Number.isFinite).map(Math.abs), 1);
  const high = max ?? below ?? (whole ? Math.max(12, 2 * spread) : 2 * spread);
  const top = Number.isFinite(high) ? Math.min(high, whole ? low + 24 : high) : low + 2 * spread;
  const count = whole ? Math.min(24, Math.floor(top - low)) : 20;
  const even = Array.from({ length: count + 1 }, (_, i) =>
    whole ? Math.round(low + ((top - low) * i) / count) : Number((low + ((top - low) * i) / count).toPrecision(3)),
  );
  const all = [
    ...even,
    ...tried,
    now,
    ...(option.default === Number.POSITIVE_INFINITY ? [Number.POSITIVE_INFINITY] : []),
  ];
  return [...new Set(all)].filter((v) => accepts(option, v)).sort((a, b) => a - b);
}

function slider(name: string, kind: Control["kind"], values: readonly number[], now: number, doc: string): Control {
  const start = Math.max(0, values.indexOf(now));
  const input = element("input", {
    type: "range",
    min: "0",
    max: String(values.length - 1),
    step: "1",
    value: String(start),
    name,
  });
  const shown = element("output", {}, short(values[start]!));
  const update = () => {
    shown.textContent = short(values[Number(input.value)]!);
    input.setAttribute("aria-valuetext", short(values[Number(input.value)]!));
  };
  input.addEventListener("input", update);
  update();
  return {
    name,
    kind,
    read: () => values[Number(input.value)]!,
    element: element(
      "label",
      { className: "control", title: doc },
      element("span", {}, element("code", {}, name), " ", shown),
      input,
      element("small", {}, doc),
    ),
  };
}

function control(name: string, option: AnyOption, now: Value): Control {
  const label = (...children: Node[]) =>
    element("label", { className: "control" }, ...children, element("small", {}, option.doc));
  if (option.type === "boolean") {
    const input = element("input", { type: "checkbox", checked: now === true, name });
    return {
      name,
      kind: "option",
      read: () => input.checked,
      element: label(element("span", {}, input, " ", element("code", {}, name))),
    };
  }
  if (option.type === "choice") {
    const input = element(
      "select",
      { name },
      ...option.values.map((value) => element("option", { value, selected: value === now }, value)),
    );
    return {
      name,
      kind: "option",
      read: () => input.value,
      element: label(element("span", {}, element("code", {}, name)), input),
    };
  }
  if (option.type === "numbers" || option.type === "integers") {
    const all = [now as readonly number[], ...option.tried].filter(
      (list, i, lists) => lists.findIndex((other) => String(other) === String(list)) === i,
    );
    const input = element(
      "select",
      { name },
      ...all.map((list, i) => element("option", { value: String(i) }, `[${list.join(", ")}]`)),
    );
    return {
      name,
      kind: "option",
      read: () => all[Number(input.value)]!,
      element: label(element("span", {}, element("code", {}, name)), input),
    };
  }
  return slider(name, "option", stops(option, now as number), now as number, option.doc);
}

/** Sliders for tokens first, then for the other axes whose length is free and known. */
function sizesOf(page: AnyPage, drawn: Picture): Control[] {
  const free = freeLetters(page).filter(
    (letter) => typeof drawn.sizes[letter] === "number" && (drawn.sizes[letter] as number) > 0,
  );
  const feature = new Set(Object.values(page.inputs).filter((text) => /^T\w? ?/.test(text)).length ? ["E", "Mo"] : []);
  return free
    .filter((letter) => !feature.has(letter))
    .sort((a, b) => Number(isToken(b)) - Number(isToken(a)))
    .slice(0, 6)
    .map((letter) => {
      const now = drawn.sizes[letter] as number;
      const most = isToken(letter) ? sentence.words.length : Math.max(2 * now, 8);
      const least = isToken(letter) ? 2 : 1;
      const tried = page.tried?.[letter];
      const values =
        tried && !isToken(letter)
          ? [...new Set([...tried, now])].sort((a, b) => a - b)
          : Array.from({ length: Math.min(most, 40) - least + 1 }, (_, i) => least + i);
      return slider(
        letter,
        "size",
        values.includes(now) ? values : [...values, now].sort((a, b) => a - b),
        now,
        isToken(letter) ? "tokens of the sentence" : (meanings.get(letter) ?? "length of this axis"),
      );
    });
}

function canvas(grid: Grid): HTMLCanvasElement {
  const { ramp, at } = places(grid);
  const colours = palette(theme(), ramp);
  const made = element("canvas", { width: grid.columns, height: grid.rows });
  const context = made.getContext("2d")!;
  const image = context.createImageData(grid.columns, grid.rows);
  at.forEach((v, i) => {
    const [r, g, b] = colours[Math.round(255 * Math.min(1, Math.max(0, v)))]!;
    image.data.set([r, g, b, 255], 4 * i);
  });
  context.putImageData(image, 0, 0);
  made.role = "img";
  made.ariaLabel = `Heat map of ${grid.rows} rows and ${grid.columns} columns, drawn with the options chosen`;
  return made;
}

function plot(grid: Grid, labelled: boolean): HTMLElement {
  const { ramp, low, high } = places(grid);
  const strip = grid.columns > 3 * grid.rows;
  const box = element("div", { className: `plot${strip ? " strip" : ""}${labelled ? " labelled" : ""}` });
  box.style.setProperty("--rows", String(grid.rows));
  box.style.setProperty("--columns", String(grid.columns));
  if (grid.title) box.append(element("p", { className: "over" }, grid.title));
  const labels = (kind: string, count: number) =>
    !labelled
      ? []
      : kind === "tokens" && count <= sentence.words.length
        ? sentence.words.slice(0, count).map(word)
        : kind === "places"
          ? Array.from({ length: count }, (_, i) => String(i))
          : [];
  const list = (className: string, names: readonly string[]) => {
    const made = element("ol", { className }, ...names.map((name) => element("li", {}, element("span", {}, name))));
    made.ariaHidden = "true";
    return made;
  };
  const area = element("div", { className: "area" });
  const [down, across] = [labels(grid.down, grid.rows), labels(grid.across, grid.columns)];
  if (down.length) area.append(list("down", down));
  area.append(element("span", { className: "pixels" }, canvas(grid)));
  if (across.length) area.append(list("across", across));
  const scale = element(
    "p",
    { className: "scale" },
    element("span", {}, short(low)),
    element("i", { className: ramp }),
    element("span", {}, short(high)),
  );
  scale.ariaHidden = "true";
  box.append(area, scale);
  return box;
}

/** Starts the demonstration of a page in the place of its picture. */
export function start({ page }: AnyMechanism): void {
  const figure = document.querySelector<HTMLElement>(".picture")!;
  const drawnHere = figure.querySelector(".drawn")!;
  const status = figure.querySelector(".status")!;
  const caption = figure.querySelector("figcaption")!;
  const first = picture(page, sentence)!;
  let last = first;
  const controls = [
    ...Object.entries(page.options).map(([name, option]) => control(name, option, first.resolved[name] as Value)),
    ...sizesOf(page, first),
  ];
  const changed = new Set<Control>();

  const draw = ({ figure: { grids }, beside }: Picture): void => {
    const [head, ...others] = grids;
    const rest = [...others, ...beside];
    drawnHere.replaceChildren(
      plot(head!, true),
      ...(rest.length ? [element("div", { className: "beside" }, ...rest.map((grid) => plot(grid, false)))] : []),
    );
  };
  const redraw = (): void => {
    const options = {
      ...first.options,
      ...Object.fromEntries([...changed].filter((c) => c.kind === "option").map((c) => [c.name, c.read()])),
    };
    const sizes = Object.fromEntries(
      [...changed].filter((c) => c.kind === "size").map((c) => [c.name, c.read() as number]),
    );
    const began = performance.now();
    const choices = { options, sizes, exact: true };
    const next = picture(page, sentence, choices);
    if (next) {
      last = next;
      draw(next);
      figure.classList.remove("refused");
      caption.firstChild!.textContent = next.figure.caption;
      status.textContent = `Redrawn in ${Math.max(1, Math.round(performance.now() - began))} ms.`;
    } else {
      figure.classList.add("refused");
      status.textContent = `No picture for this choice: ${refusal(page, choices)}`;
    }
  };
  let waiting = 0;
  const form = element("form", { className: "controls" }, ...controls.map((c) => c.element));
  form.ariaLabel = "Options and sizes";
  for (const c of controls)
    c.element.addEventListener("input", () => {
      changed.add(c);
      cancelAnimationFrame(waiting);
      waiting = requestAnimationFrame(redraw);
    });
  form.addEventListener("submit", (event) => event.preventDefault());
  document.addEventListener("themechange", () => draw(last));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw(last));
  // The sentence about options differs from now on: the controls say what they are.
  while (caption.firstChild && caption.firstChild !== status) caption.firstChild.remove();
  caption.prepend(document.createTextNode(first.figure.caption), " ");
  figure
    .querySelector(".try")!
    .replaceChildren(controls.length ? form : element("p", {}, "This mechanism has nothing to set."));
  draw(first);
  form.querySelector<HTMLElement>("input, select")?.focus({ preventScroll: true });
}
