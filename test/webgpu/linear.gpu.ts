import { linear } from "../../src/pages/linear.ts";
import { conformance } from "./conformance.ts";

conformance(linear);
