import { linear } from "../../src/pages/linear.ts";
import { conformance } from "./conformance.ts";

conformance(linear, {
  "several chunks": {
    "linear/linear-transformer": { sizes: { T: 150, D: 70, E: 5 } },
    "linear/mlstm": { sizes: { T: 139, H: 2, D: 9, E: 67 } },
    "linear/retention": { sizes: { T: 150, D: 12, E: 8 } },
  },
});
