/** The names of every call's options, held to their types by the compiler; a name that is not among them is refused. */

import type { AttentionOptions } from "./attention/options.ts";
import type { AppendOptions, CacheOptions } from "./cache.ts";
import type { CarriedOptions } from "./carried.ts";
import type { ConvolutionOptions } from "./convolution.ts";
import type { MergeOptions } from "./decode/merge.ts";
import type { DecodeOptions, StepOptions } from "./decode/options.ts";
import type { DeltaRuleOptions } from "./delta.ts";
import type { MapOptions } from "./elementwise.ts";
import { KernelError } from "./error.ts";
import type { FourierOptions, LongConvolutionOptions } from "./fourier.ts";
import { type Names, refuseUnknown } from "./known-options.ts";
import type { LinearAttentionOptions } from "./linear.ts";
import type { LoadOptions } from "./load.ts";
import type { MatmulOptions } from "./matmul.ts";
import type { ProjectOptions } from "./project.ts";
import type { RotaryOptions } from "./rotary.ts";
import type { NormOptions } from "./rows.ts";
import type { DiagonalOptions, ScanOptions } from "./scan.ts";
import type { SsdOptions } from "./ssd.ts";

const carried: Names<CarriedOptions> = { state: true, into: true, stateInto: true };
const mapped: Names<MapOptions> = { into: true };
const step: Names<StepOptions> = {
  ...{ scale: true, left: true, right: true, cap: true, sinks: true, slopes: true, bias: true, mask: true },
  ...{ layout: true, causal: true, into: true },
};
const attention: Names<AttentionOptions> = {
  ...step,
  ...{ align: true, relative: true, blocks: true, lengths: true, packed: true },
};
const linearAttention: Names<LinearAttentionOptions> = {
  ...{ scale: true, gates: true, valueGates: true, factors: true, before: true, bonus: true, causal: true },
  ...{ state: true, z: true, sums: true, epsilon: true, chunk: true, layout: true },
  ...{ into: true, stateInto: true, zInto: true },
};
const deltaRule: Names<DeltaRuleOptions> = {
  ...{ gate: true, decay: true, beta: true, read: true, readBefore: true, erase: true, diagonal: true, writes: true },
  ...{ scale: true, state: true, chunk: true, layout: true, into: true, stateInto: true },
};
const load: Names<LoadOptions> = {
  ...{ module: true, bytes: true, url: true, tile: true, dots: true, threads: true },
  ...{ memory: true, from: true, poison: true },
};
const cache: Names<CacheOptions> = {
  ...{ heads: true, width: true, valueWidth: true, type: true, window: true, pageTokens: true, region: true },
};
const append: Names<AppendOptions> = { layout: true };
const matmul: Names<MatmulOptions> = { transposed: true, bias: true, into: true };
const convolution: Names<ConvolutionOptions> = { ...carried, bias: true, activation: true };
const fourier: Names<FourierOptions> = { axis: true, inverse: true };
const longConvolution: Names<LongConvolutionOptions> = { behind: true, d: true, into: true };
const project: Names<ProjectOptions> = { bias: true, activations: true, into: true };
const rotate: Names<RotaryOptions> = { ...mapped, layout: true, axis: true, first: true, rows: true };
const norm: Names<NormOptions> = {
  ...mapped,
  ...{ weight: true, bias: true, epsilon: true, offset: true, residual: true, sum: true },
};
const selectiveScan: Names<ScanOptions> = { ...carried, d: true, z: true, bias: true, softplus: true };
const diagonalSystem: Names<DiagonalOptions> = { d: true, state: true, stateIm: true };
const ssd: Names<SsdOptions> = { ...carried, d: true, bias: true, softplus: true };
const merge: Names<MergeOptions> = { layout: true, into: true };
const decode: Names<DecodeOptions> = { ...step, lengths: true, pages: true };

const known = {
  ...{ load, matmul, attention, linearAttention, deltaRule, convolution, selectiveScan, diagonalSystem, ssd },
  ...{ fourier, longConvolution, project, norm, rotate, decode, merge, cache, append },
  attend: step,
  ...{ map: mapped, gated: mapped, add: mapped, softmax: mapped, logSumExp: mapped, gather: mapped },
  recurrence: carried,
};

/**
 * The options of a call as they are; `more` names those that only one backend has.
 *
 * @throws KernelError naming the first that the call does not have, and those it has.
 */
export function checked<O extends object | undefined>(
  call: keyof typeof known,
  options: O,
  more: Readonly<Record<string, true>> = {},
): O {
  refuseUnknown(options, { ...known[call], ...more }, (name, problem) => {
    throw new KernelError(call, name, problem);
  });
  return options;
}
