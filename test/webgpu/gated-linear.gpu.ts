import { gated } from "../../src/pages/gated.ts";
import { conformance } from "./conformance.ts";

conformance(gated);
