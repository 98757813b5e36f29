import { states } from "../../src/pages/states.ts";
import { conformance } from "./conformance.ts";

conformance(states, {
  // These cross the chunks of 64 tokens, panels of eight and vectors of four, with remainders in every one.
  "several chunks": {
    "linear/mamba2-ssd": { sizes: { T: 150, H: 2, E: 11, N: 13, M: 3, Mo: 2, K: 3 }, options: { groups: 1 } },
    "linear/mamba-selective-ssm": { sizes: { T: 130, A: 21, N: 5, M: 3, Mo: 2, K: 4, R: 2 } },
    "linear/mega-ema": { sizes: { T: 131, M: 9, N: 3 } },
    "linear/s4d": { sizes: { T: 67, M: 5, N: 3, Mo: 2 } },
  },
  "one chunk and one token more": {
    "linear/mamba2-ssd": { sizes: { T: 65, H: 4, E: 8, N: 16, M: 2, Mo: 2, K: 2 }, options: { groups: 2 } },
  },
  "one token": {
    "linear/mamba2-ssd": { sizes: { T: 1, H: 4, E: 9, N: 18, M: 2, Mo: 2, K: 4 }, options: { groups: 2 } },
    "linear/mamba-selective-ssm": { sizes: { T: 1, A: 9, N: 17, M: 3, Mo: 2, K: 4, R: 2 } },
    "linear/rwkv-4": { sizes: { T: 1, M: 3, A: 5, Mo: 2 } },
  },
});
