import { gated } from "../../src/pages/gated.ts";
import { conformance } from "./conformance.ts";

conformance(gated, {
  // These cross chunks of 16 tokens, panels of eight and blocks of eight columns, with remainders in every one.
  "long sequences": {
    "linear/gated-linear-attention": { sizes: { T: 53, D: 13, E: 19 } },
    "linear/gated-slot-attention": { sizes: { T: 37, D: 9, E: 10, N: 11 } },
    "linear/hgrn2": { sizes: { T: 37, M: 4, D: 5, E: 9, Mo: 3 }, options: { heads: 2 } },
    "linear/lightnet-additive-decay": { sizes: { T: 37, M: 4, D: 5, E: 9, Mo: 3 }, options: { heads: 2 } },
    "linear/rodimus": { sizes: { T: 37, M: 4, A: 9, N: 5, K: 4, R: 2, Mo: 3 } },
    "linear/rwkv6-time-mixing": { sizes: { T: 53, D: 13, E: 19 } },
    "memory/abc-attention": { sizes: { Tq: 37, Tk: 37, D: 9, E: 10, N: 11 }, options: { causal: true } },
  },
  "wide heads": {
    "linear/gated-linear-attention": { sizes: { T: 35, D: 64, E: 64 } },
    "linear/rwkv6-time-mixing": { sizes: { T: 17, D: 37, E: 70 } },
  },
});
