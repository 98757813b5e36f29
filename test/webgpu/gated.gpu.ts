import { gated } from "../../src/pages/gated.ts";
import { conformance } from "./conformance.ts";

conformance(gated, {
  "several chunks": {
    "linear/gated-linear-attention": { sizes: { T: 150, D: 39, E: 5 } },
    "linear/rwkv6-time-mixing": { sizes: { T: 131, D: 20, E: 9 } },
  },
});
