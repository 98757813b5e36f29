import { deltaLayers } from "../../src/pages/delta-layers.ts";
import { conformance } from "./conformance.ts";

conformance(deltaLayers);
