import { deltaRules } from "../../src/pages/delta.ts";
import { conformance } from "./conformance.ts";

conformance(deltaRules, {
  // Several chunks, the last in part; panels of eight writes with remainders; columns and rows beyond whole vectors.
  "long sequences": {
    "linear/comba": { sizes: { T: 75, D: 5, E: 3 } },
    "linear/deltanet": { sizes: { T: 75, D: 6, E: 9 } },
    "linear/gated-deltanet": { sizes: { T: 67, D: 4, E: 17 } },
    "linear/gated-deltanet-2": { sizes: { T: 53, D: 7, E: 5 } },
    "linear/gated-deltaproduct": { sizes: { T: 29, D: 3, E: 10 }, options: { nH: 3 } },
    "linear/kimi-delta-attention": { sizes: { T: 61, D: 9, E: 12 } },
    "linear/longhorn": { sizes: { T: 41, A: 6, N: 5 }, options: { exact: true } },
    "linear/omega-rule-memory": {
      sizes: { T: 41, D: 3, E: 5 },
      options: { window: 1, chunk: 1, features: "identity" },
    },
    "linear/rwkv7-time-mixing": { sizes: { T: 59, D: 6, E: 7 } },
  },
  "wide heads": {
    "linear/comba": { sizes: { T: 10, D: 33, E: 18 } },
    "linear/gated-deltanet": { sizes: { T: 19, D: 64, E: 67 } },
    "linear/gated-deltanet-2": { sizes: { T: 9, D: 34, E: 24 } },
    "linear/kimi-delta-attention": { sizes: { T: 17, D: 65, E: 40 } },
    "linear/longhorn": { sizes: { T: 35, A: 21, N: 9 }, options: { exact: false } },
    "linear/rwkv7-time-mixing": { sizes: { T: 18, D: 32, E: 33 } },
  },
  "one token": {
    "linear/deltanet": { sizes: { T: 1, D: 19, E: 35 } },
    "linear/kimi-delta-attention": { sizes: { T: 1, D: 6, E: 16 } },
    "linear/rwkv7-time-mixing": { sizes: { T: 1, D: 8, E: 20 } },
  },
});
