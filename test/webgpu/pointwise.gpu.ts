import { pointwise } from "../../src/pages/pointwise.ts";
import { conformance } from "./conformance.ts";

conformance(pointwise, {
  "long sequences": {
    "score/sigmoid-attention": { sizes: { Tq: 35, Tk: 301, D: 9, E: 5 } },
    "score/relu-attention": { sizes: { Tq: 35, Tk: 133, D: 9, E: 5 } },
  },
});
