import { deltaRules } from "../../src/pages/delta.ts";
import { conformance } from "./conformance.ts";

conformance(deltaRules);
