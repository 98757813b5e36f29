import { rotaryPages } from "../../src/pages/rotary.ts";
import { conformance } from "./conformance.ts";

conformance(rotaryPages, {
  "wide tokens": {
    "positional/rotary-position-embedding": { sizes: { T: 3, D: 23 }, options: { rotaryDim: 22 } },
    "positional/rope-yarn": { sizes: { T: 5, D: 38 } },
  },
  neighbours: {
    "positional/axial-rope-nd": { sizes: { T: 3, D: 24, G: 2 }, options: { layout: "interleaved" } },
  },
});
