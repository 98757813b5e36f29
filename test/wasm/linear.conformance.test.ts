import { linear } from "../../src/pages/linear.ts";
import { conformance } from "./conformance.ts";

conformance(linear, {
  // These cross chunks of 16 tokens, panels of eight and blocks of eight columns, with remainders in every one.
  "long sequences": {
    "linear/based-taylor-linear-attention": { sizes: { T: 37, M: 5, D: 3, E: 9, Mo: 4 }, options: { heads: 2 } },
    "linear/cosformer": { sizes: { Tq: 37, Tk: 37, D: 5, E: 9 }, options: { causal: true, m: 40, offset: 2 } },
    "linear/lightning-attention": { sizes: { H: 2, T: 53, D: 13, E: 19 } },
    "linear/lightning-attention-2": { sizes: { T: 53, D: 13, E: 19 }, options: { block: 16 } },
    "linear/linear-transformer": { sizes: { Tq: 61, Tk: 53, D: 13, E: 19 }, options: { causal: true } },
    "linear/mlstm": { sizes: { H: 2, T: 53, D: 9, E: 9 } },
    "linear/performer-favor": { sizes: { Tq: 29, Tk: 53, D: 7, E: 9, N: 11 }, options: { causal: true } },
    "linear/retention": { sizes: { H: 2, T: 53, D: 13, E: 19 } },
  },
  "more queries than keys, and fewer": {
    "linear/linear-transformer": { sizes: { Tq: 41, Tk: 19, D: 9, E: 10 }, options: { causal: true } },
    "linear/performer-favor": { sizes: { Tq: 9, Tk: 44, D: 6, E: 10, N: 9 }, options: { causal: true } },
  },
  "order of no account": {
    "linear/linear-transformer": { sizes: { Tq: 41, Tk: 53, D: 9, E: 10 }, options: { causal: false } },
    "linear/performer-favor": { sizes: { Tq: 41, Tk: 53, D: 6, E: 10, N: 9 }, options: { causal: false } },
  },
  "wide heads": {
    "linear/retention": { sizes: { H: 1, T: 20, D: 64, E: 64 } },
    "linear/lightning-attention": { sizes: { H: 1, T: 19, D: 37, E: 70 } },
  },
});
