import { rotaryPages } from "../../src/pages/rotary.ts";
import { conformance } from "./conformance.ts";

conformance(rotaryPages, {
  // Four pairs at a time, and remainders of them, in both layouts.
  "wide tokens": {
    "positional/rotary-position-embedding": { sizes: { T: 3, D: 23 }, options: { rotaryDim: 22 } },
    "positional/rope-yarn": { sizes: { T: 5, D: 38 } },
    "positional/xpos": { sizes: { T: 9, D: 14 } },
  },
  neighbours: {
    "positional/rotary-position-embedding": {
      sizes: { T: 3, D: 31 },
      options: { rotaryDim: 26, layout: "interleaved" },
    },
    "positional/axial-rope-nd": { sizes: { T: 3, D: 24, G: 2 }, options: { layout: "interleaved" } },
  },
});
