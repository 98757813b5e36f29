/** Which pages the kernels of the GPU implement: those whose calls it has. A test judges every entry. */
import { composed } from "../pages/composed.ts";
import { decode } from "../pages/decode.ts";
import { deltaRules } from "../pages/delta.ts";
import { deltaLayers } from "../pages/delta-layers.ts";
import { gated } from "../pages/gated.ts";
import { linear } from "../pages/linear.ts";
import { merge } from "../pages/merge.ts";
import { pointwise } from "../pages/pointwise.ts";
import { rotaryPages } from "../pages/rotary.ts";
import { softmax } from "../pages/softmax.ts";
import { states } from "../pages/states.ts";

/** By family, each with a test of its name. */
export const families = {
  composed,
  delta: deltaRules,
  "delta-layers": deltaLayers,
  "gated-linear": gated,
  linear,
  merge,
  pointwise,
  rotary: rotaryPages,
  softmax,
  states,
} as const;
export const implementations = {
  ...composed,
  ...deltaLayers,
  ...deltaRules,
  ...gated,
  ...linear,
  ...merge,
  ...pointwise,
  ...rotaryPages,
  ...softmax,
  ...states,
} as const;
/** Further kernels of pages that have one above, by family. */
export const alternatives = { decode } as const;
