import { deltaLayers } from "../../src/pages/delta-layers.ts";
import { conformance } from "./conformance.ts";

conformance(deltaLayers, {
  // More tokens than a chunk, with a remainder; several heads; wider than a vector.
  "several chunks": {
    "linear/comba-layer": { sizes: { T: 21, M: 3, D: 5, E: 6, K: 4, Mo: 2 }, options: { heads: 2 } },
    "linear/deltanet-layer": { sizes: { T: 21, M: 3, D: 5, E: 6, K: 4, Mo: 2 }, options: { heads: 2 } },
    "linear/gated-deltanet-2-layer": { sizes: { T: 21, M: 3, D: 5, E: 6, K: 4, Mo: 2, R: 2 }, options: { heads: 2 } },
    "linear/gated-deltanet-layer": {
      sizes: { T: 21, M: 3, D: 5, E: 6, K: 4, Mo: 2 },
      options: { heads: 2, vHeads: 4 },
    },
    "linear/gated-deltaproduct-layer": {
      sizes: { T: 13, M: 3, D: 5, E: 6, K: 4, Mo: 2 },
      options: { heads: 2, nH: 3 },
    },
    "linear/kimi-delta-attention-layer": {
      sizes: { T: 21, M: 3, D: 5, E: 6, K: 4, Mo: 2, R: 2 },
      options: { heads: 2 },
    },
    "linear/longhorn-layer": { sizes: { T: 21, M: 3, A: 7, K: 4, Ax: 8, R: 2, Mo: 2 }, options: { exact: true } },
    "linear/rwkv7-time-mixing-layer": {
      sizes: { T: 21, M: 3, H: 2, D: 5, E: 6, Mo: 2, Rw: 2, Ra: 1, Rg: 1, Rv: 2 },
    },
  },
});
