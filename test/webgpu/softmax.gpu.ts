import { softmax } from "../../src/pages/softmax.ts";
import { conformance } from "./conformance.ts";

conformance(softmax, {
  // These cross the blocks of queries and of keys, with remainders in every one.
  "long sequences": {
    "core/scaled-dot-product-attention": { sizes: { Tq: 37, Tk: 139, D: 13, E: 5 } },
    "score/attention-sink-logit": { sizes: { Hq: 2, Hk: 1, Tq: 35, Tk: 101, D: 9, E: 11 } },
    "sparse/sliding-window-attention": { sizes: { Tq: 43, Tk: 141, D: 7, E: 9 } },
  },
  "wide heads": {
    "core/scaled-dot-product-attention": { sizes: { Tq: 9, Tk: 11, D: 256, E: 251 } },
    "heads/grouped-query-attention": { sizes: { T: 5, M: 300, D: 5, E: 3, Mo: 9 } },
  },
});
