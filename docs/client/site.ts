/** On every page: the theme switch and the search. The index is fetched when the search is first used. */
import MiniSearch, { type SearchResult } from "minisearch";
import { searching } from "./searching.ts";

const root = document.documentElement;
const base = root.dataset.base ?? "";

const dark = (): boolean =>
  (root.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
document.querySelector(".theme")?.addEventListener("click", () => {
  root.dataset.theme = dark() ? "light" : "dark";
  try {
    localStorage.setItem("theme", root.dataset.theme);
  } catch {
    // Storage may be closed to the page; the choice then lasts until it is left.
  }
  document.dispatchEvent(new Event("themechange"));
});

const input = document.querySelector<HTMLInputElement>("#find")!;
const list = document.querySelector<HTMLUListElement>("#found")!;
let index: Promise<MiniSearch> | undefined;
const loaded = (): Promise<MiniSearch> => {
  index ??= fetch(`${base}assets/search.json`)
    .then((answer) => answer.text())
    .then((text) => MiniSearch.loadJSON(text, searching));
  return index;
};
let at = -1;

function show(results: readonly SearchResult[]): void {
  list.replaceChildren(
    ...results.slice(0, 8).map((result, i) => {
      const item = document.createElement("li");
      item.role = "option";
      item.id = `found-${i}`;
      item.dataset.href = `${base}${result.href as string}`;
      const name = document.createElement("span");
      name.textContent = result.title as string;
      const kind = document.createElement("small");
      kind.textContent = result.kind as string;
      item.append(name, kind);
      item.addEventListener("pointerdown", (event) => {
        event.preventDefault();
        location.href = item.dataset.href!;
      });
      return item;
    }),
  );
  if (!results.length && input.value.trim()) {
    const none = document.createElement("li");
    none.role = "option";
    none.ariaDisabled = "true";
    none.textContent = "Nothing found";
    list.append(none);
  }
  list.hidden = !list.children.length;
  input.ariaExpanded = String(!list.hidden);
  mark(results.length ? 0 : -1);
}
function mark(next: number): void {
  at = next;
  [...list.children].forEach((item, i) => {
    item.ariaSelected = String(i === at);
  });
  if (at >= 0) input.setAttribute("aria-activedescendant", `found-${at}`);
  else input.removeAttribute("aria-activedescendant");
}

input.addEventListener("focus", () => void loaded());
input.addEventListener("input", async () => {
  const wanted = input.value;
  const found = wanted.trim() ? (await loaded()).search(wanted) : [];
  if (wanted === input.value) show(found);
});
input.addEventListener("keydown", (event) => {
  const items = list.querySelectorAll<HTMLElement>("[data-href]");
  if (event.key === "Escape") {
    input.value = "";
    show([]);
  } else if (event.key === "Enter" && items[at]) location.href = items[at]!.dataset.href!;
  else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    if (items.length) mark((at + (event.key === "ArrowDown" ? 1 : -1) + items.length) % items.length);
  }
});
input.addEventListener("blur", () => {
  list.hidden = true;
  input.ariaExpanded = "false";
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement)
    return;
  event.preventDefault();
  input.focus();
});
