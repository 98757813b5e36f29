import { filtering } from "./filter.ts";

filtering(
  document.querySelector("form.filters")!,
  [...document.querySelectorAll<HTMLElement>(".list > li")],
  ["state"],
  [],
);
