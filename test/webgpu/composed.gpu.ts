import { composed } from "../../src/pages/composed.ts";
import { conformance } from "./conformance.ts";

conformance(composed, {
  "long sequences and wide heads": {
    "positional/t5-relative-bias": { sizes: { H: 2, Tq: 35, Tk: 67, D: 9, E: 5 } },
    "score/qk-norm": { sizes: { Hq: 2, Hk: 1, Tq: 33, Tk: 37, D: 18, E: 7 } },
    "score/gated-attention-output": { sizes: { T: 33, M: 9, Hk: 1, D: 10, E: 6, Mo: 5 } },
  },
});
