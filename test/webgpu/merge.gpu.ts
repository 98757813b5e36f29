import { merge } from "../../src/pages/merge.ts";
import { conformance } from "./conformance.ts";

conformance(merge, {
  "many parts": { "core/lse-merge": { sizes: { P: 40, Tq: 9, E: 13 } } },
  "whole vectors": { "core/lse-merge": { sizes: { P: 21, Tq: 3, E: 68 } } },
});
