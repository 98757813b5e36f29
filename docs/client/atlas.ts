import { filtering } from "./filter.ts";

filtering(
  document.querySelector("form.filters")!,
  [...document.querySelectorAll<HTMLElement>(".card")],
  ["family", "causal", "growth", "confidence"],
  ["backend", "paper"],
);
