import { describe } from "vitest";
import { states } from "../../src/pages/states.ts";
import { conformance } from "./conformance.ts";
import { cut } from "./cut.ts";

// These cross chunks of tokens, tiles of 64, groups of channels and vectors of four, with remainders in every one.
const further = {
  "several chunks": {
    "linear/aaren": { sizes: { T: 133, M: 3, D: 2, E: 2, Mo: 2 } },
    "linear/dsf-recurrence": { sizes: { T: 137, M: 3, N: 5, Mo: 2 } },
    "linear/mamba2-ssd": { sizes: { T: 150, H: 2, E: 11, N: 13, M: 3, Mo: 2, K: 3 }, options: { groups: 1 } },
    "linear/mamba-selective-ssm": { sizes: { T: 130, A: 21, N: 5, M: 3, Mo: 2, K: 4, R: 2 } },
    "linear/mega-ema": { sizes: { T: 131, M: 9, N: 3 } },
    "linear/s4d": { sizes: { T: 103, M: 5, N: 19, Mo: 2 } },
  },
  "one chunk and one token more": {
    "linear/mamba2-ssd": { sizes: { T: 65, H: 4, E: 8, N: 16, M: 2, Mo: 2, K: 2 }, options: { groups: 2 } },
  },
  "wide states": {
    "linear/mamba2-ssd": { sizes: { T: 12, H: 2, E: 68, N: 132, M: 2, Mo: 2, K: 2 }, options: { groups: 2 } },
    "linear/mamba-selective-ssm": { sizes: { T: 7, A: 68, N: 36, M: 3, Mo: 2, K: 9, R: 2 } },
  },
  "one token": {
    "linear/mamba2-ssd": { sizes: { T: 1, H: 4, E: 9, N: 18, M: 2, Mo: 2, K: 4 }, options: { groups: 2 } },
    "linear/mamba-selective-ssm": { sizes: { T: 1, A: 9, N: 17, M: 3, Mo: 2, K: 4, R: 2 } },
    "linear/rwkv-4": { sizes: { T: 1, M: 3, A: 5, Mo: 2 } },
  },
} as const;

conformance(states, further);

// Small ones too go through the programs for many tokens.
const fine = { length: 4 };
const tunings = {
  convolution: { tall: 4 },
  diagonalSystem: { states4: 1, threads: 64, ...fine },
  recurrence: fine,
  selectiveScan: { states4: 1, threads: 64, ...fine },
  ssd: { tall: 4, few: 0 },
};
describe("cut in two and resumed, in chunks of a few tokens", () => conformance(states, further, cut(tunings)));
