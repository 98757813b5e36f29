/** Filters a list by its items' data; the choice is kept in the address, so that it can be linked and survives going back. */
export function filtering(
  form: HTMLFormElement,
  items: readonly HTMLElement[],
  exact: readonly string[],
  several: readonly string[],
): void {
  const nothing = document.querySelector<HTMLElement>(".nothing")!;
  const output = form.querySelector("output")!;
  const reset = form.querySelector<HTMLButtonElement>("[type=reset]");
  const field = (name: string) => form.elements.namedItem(name) as HTMLInputElement | HTMLSelectElement | null;
  const read = (): Map<string, string> =>
    new Map(
      ["text", ...exact, ...several]
        .map((name) => [name, field(name)?.value.trim() ?? ""] as const)
        .filter(([, value]) => value),
    );

  const apply = (): void => {
    const chosen = read();
    const words = (chosen.get("text") ?? "").toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const item of items) {
      const fits =
        words.every((word) => item.dataset.text!.includes(word)) &&
        exact.every((name) => !chosen.has(name) || item.dataset[name] === chosen.get(name)) &&
        several.every(
          (name) =>
            !chosen.has(name) ||
            item.dataset[name === "paper" ? "papers" : name]!.split(" ").includes(chosen.get(name)!),
        );
      item.hidden = !fits;
      if (fits) count++;
    }
    output.textContent = String(count);
    nothing.hidden = count > 0;
    if (reset) reset.hidden = chosen.size === 0;
    const hash = new URLSearchParams([...chosen]).toString();
    if (chosen.size || location.hash.includes("="))
      history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
  };
  const restore = (): void => {
    if (!location.hash.includes("=")) return;
    const kept = new URLSearchParams(location.hash.slice(1));
    for (const name of ["text", ...exact, ...several]) {
      const control = field(name);
      if (control) control.value = kept.get(name) ?? "";
    }
    apply();
  };
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(apply));
  addEventListener("hashchange", restore);
  restore();
}
