import { decode } from "../../src/pages/decode.ts";
import { conformance } from "./conformance.ts";

conformance(decode, {
  // These cross the blocks of 256 keys, and all remainders of four keys and eight columns.
  "long caches": {
    "core/scaled-dot-product-attention": { sizes: { Tq: 3, Tk: 539, D: 13, E: 5 } },
    "score/attention-sink-logit": { sizes: { Hq: 4, Hk: 1, Tq: 2, Tk: 301, D: 9, E: 11 } },
    "sparse/sliding-window-attention": { sizes: { Tq: 1, Tk: 541, D: 8, E: 16 } },
    "positional/alibi": { sizes: { H: 3, Tq: 2, Tk: 514, D: 12, E: 7 } },
  },
  "wide heads": {
    "core/scaled-dot-product-attention": { sizes: { Tq: 1, Tk: 11, D: 256, E: 251 } },
    "heads/grouped-query-attention": { sizes: { T: 5, M: 300, D: 5, E: 3, Mo: 9 } },
  },
});
