/**
 * Which pages the kernels of any backend implement: one entry for each, from the page's inputs and options to calls.
 * What a kernel does not support it declines, saying why. A test judges every entry.
 */

import { composed } from "./pages/composed.ts";
import { decode } from "./pages/decode.ts";
import { deltaRules } from "./pages/delta.ts";
import { deltaLayers } from "./pages/delta-layers.ts";
import { gated } from "./pages/gated.ts";
import { linear } from "./pages/linear.ts";
import { merge } from "./pages/merge.ts";
import { pointwise } from "./pages/pointwise.ts";
import { rotaryPages } from "./pages/rotary.ts";
import { softmax } from "./pages/softmax.ts";
import { spectra } from "./pages/spectra.ts";
import { states } from "./pages/states.ts";

export type { Implementation } from "./pages/adapt.ts";
export type { Calls } from "./pages/calls.ts";

/** The kernels of pages, by family; each file of `src/pages` that holds some is one. */
export const families = {
  composed,
  delta: deltaRules,
  "delta-layers": deltaLayers,
  gated,
  linear,
  merge,
  pointwise,
  rotary: rotaryPages,
  softmax,
  spectra,
  states,
} as const;

type All<Each> = (Each extends unknown ? (each: Each) => void : never) extends (all: infer Every) => void
  ? Every
  : never;

/** The kernel that answers each page, by the page's id. */
export const implementations = Object.assign({}, ...Object.values(families)) as All<
  (typeof families)[keyof typeof families]
>;

/** Further kernels of pages that have one above, by family. */
export const alternatives = { decode } as const;
