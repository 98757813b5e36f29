import type { Arena } from "./arena.ts";
import { type Call, calling, shown } from "./call.ts";
import type { Exports } from "./exports.ts";
import { planOf, smoothLength } from "./fourier-plan.ts";
import { measure, optional } from "./measure.ts";
import { struct } from "./struct.ts";
import type { Floats, WasmTensor } from "./tensor.ts";

export const axisJob = struct("fourier/axis-job.ts", {
  plan: "u32",
  re: "u32",
  im: "u32",
  outRe: "u32",
  outIm: "u32",
  scratch: "u32",
  point: "i32",
  outer: "i32",
  inner: "i32",
  outerCount: "i32",
  innerCount: "i32",
  inverse: "i32",
  factor: "f32",
});

export const longJob = struct("fourier/long-job.ts", {
  plan: "u32",
  angles: "u32",
  u: "u32",
  taps: "u32",
  behind: "u32",
  d: "u32",
  out: "u32",
  scratch: "u32",
  tokens: "i32",
  channels: "i32",
  tapCount: "i32",
  behindCount: "i32",
  tapRow: "i32",
  behindRow: "i32",
});

export interface Complex {
  readonly re: Floats;
  readonly im: Floats;
}

export interface FourierOptions {
  /** The axis that is transformed. */
  readonly axis: number;
  /** Whether it is the inverse, with the factor 1 / length. Default false. */
  readonly inverse?: boolean | undefined;
}

/**
 * Discrete Fourier transforms along one axis of a tensor in float32, Σₛ x[s] e^(−2πi ts/n); `im` may be left out. Any
 * length n: its factors 2 go by fast transforms, and so do others as far as they are small, a prime p costs n p.
 *
 * @throws KernelError naming the argument whose shape or values do not fit.
 */
export function fourier(
  exports: Exports,
  arena: Arena,
  re: Floats,
  im: Floats | undefined,
  { axis, inverse = false }: FourierOptions,
): Complex {
  return calling("fourier", arena, (call) => {
    call.check("re", re, Float32Array);
    const { shape } = re;
    if (im) call.same("im", im, shape);
    const length = shape[axis] ?? 0;
    if (shape[axis] === undefined)
      call.fail("axis", `axis must be one of the ${shape.length} axes of ${shown(shape)} from 0 on, got ${axis}`);
    const product = (lengths: readonly number[]) => lengths.reduce((all, count) => all * count, 1);
    const [before, after] = [product(shape.slice(0, axis)), product(shape.slice(axis + 1))];
    const [outRe, outIm] = [call.region.tensor(shape), call.region.tensor(shape)];
    if (outRe.data.length > 0) {
      // Along the last axis the transforms side by side are rows.
      const rows = after === 1;
      const job = call.describe(axisJob, {
        plan: planOf(call, length).plan,
        re: call.addressOf("re", re),
        im: optional(call, "im", im),
        outRe: outRe.address,
        outIm: outIm.address,
        scratch: call.region.allocate(64 * length),
        point: 4 * after,
        outer: 4 * length * after,
        inner: rows ? 4 * length : 4,
        outerCount: rows ? 1 : before,
        innerCount: rows ? before : after,
        inverse: Number(inverse),
        factor: inverse ? 1 / length : 1,
      });
      exports.fourier(job);
    }
    return { re: call.result(outRe, undefined), im: call.result(outIm, undefined) };
  });
}

export interface LongConvolutionOptions {
  /** [C, K] or [1, K]: taps of the other side, the first on the next token. Default: none, it is causal. */
  readonly behind?: Floats | undefined;
  /** [C]: how much of u goes straight through. Default 0. */
  readonly d?: Floats | undefined;
  /** A tensor of the kernels' memory for the result; may not overlap the inputs. Default: the result is a copy outside. */
  readonly into?: WasmTensor | undefined;
}

/** From so many taps on, transforms are faster than the sums themselves. */
export const longFrom = 48;

/**
 * Long convolution of each channel (Toeplitz mixing of tokens) in float32: u [T, C] and taps [C, K], the first on the token
 * itself, or [1, K] for all channels, give out[t] = Σₛ taps[t − s] u[s] + d u[t], [T, C]. With `behind` the tokens
 * after a token count as well. Taps beyond the sequence are not read. By Fourier transforms of half the length of the
 * linear convolution, in O(C (T + K) log(T + K)), whose error is in proportion to the largest results of a channel; fewer
 * than {@link longFrom} taps are added up as they are.
 *
 * @throws KernelError naming the argument whose shape or values do not fit.
 */
export function longConvolution(
  exports: Exports,
  arena: Arena,
  u: Floats,
  taps: Floats,
  options: LongConvolutionOptions = {},
): Floats {
  const { behind, d, into } = options;
  return calling("longConvolution", arena, (call) => {
    const { T, C } = measure(call, { u: "T C", d: "C?" }, { u, d });
    for (const [name, filter] of Object.entries({ taps, behind })) {
      if (!filter) continue;
      call.check(name, filter, Float32Array);
      const [rows] = filter.shape;
      if (filter.shape.length !== 2 || (rows !== C && rows !== 1))
        call.fail(name, `${name} has shape ${shown(filter.shape)}, expected [C, K] or [1, K] with C = ${C}`);
    }
    const out = call.target("into", [T, C], into, { u, taps, behind, d });
    const tapCount = Math.min(taps.shape[1]!, T);
    const behindCount = behind ? Math.max(0, Math.min(behind.shape[1]!, T - 1)) : 0;
    const row = (filter: Floats | undefined) => (!filter || filter.shape[0] === 1 ? 0 : 4 * filter.shape[1]!);
    if (out.data.length > 0 && tapCount + behindCount < longFrom)
      direct(exports, call, { u, taps, behind, d, T, C, tapCount, behindCount, out });
    else if (out.data.length > 0) {
      const length = smoothLength(Math.ceil((T + tapCount + behindCount - 1) / 2));
      const job = call.describe(longJob, {
        ...planOf(call, length),
        u: call.addressOf("u", u),
        taps: call.addressOf("taps", taps),
        behind: optional(call, "behind", behind),
        d: optional(call, "d", d),
        out: out.address,
        scratch: call.region.allocate(96 * length),
        tokens: T,
        channels: C,
        tapCount,
        behindCount,
        tapRow: row(taps),
        behindRow: row(behind),
      });
      exports.longConvolve(job);
    }
    return call.result(out, into);
  });
}

interface Direct extends Readonly<Record<"T" | "C" | "tapCount" | "behindCount", number>> {
  readonly u: Floats;
  readonly taps: Floats;
  readonly behind: Floats | undefined;
  readonly d: Floats | undefined;
  readonly out: WasmTensor;
}

/** The sums as a short causal convolution, which ends `behindCount` tokens later. */
function direct(exports: Exports, call: Call, direct: Direct): void {
  const { u, taps, behind, d, T, C, tapCount, behindCount, out } = direct;
  const [K, rows] = [tapCount + behindCount, T + behindCount];
  const of = (filter: Floats, c: number, j: number) =>
    filter.data[(filter.shape[0] === 1 ? 0 : c) * filter.shape[1]! + j]!;
  const weights = call.region.tensor([C, K]);
  for (let c = 0; c < C; c++)
    for (let j = 0; j < K; j++)
      weights.data[c * K + K - 1 - j] =
        j < behindCount
          ? of(behind!, c, behindCount - 1 - j)
          : of(taps, c, j - behindCount) + (j === behindCount && d ? d.data[c]! : 0);
  const [from, to, last] = [call.region.tensor([rows, C]), call.region.tensor([rows, C]), call.region.tensor([K, C])];
  const scratch = call.region.allocate(exports.convolveScratch(C, K) >>> 0);
  from.data.fill(0);
  from.data.set(u.data);
  const { address } = weights;
  exports.convolve(from.address, address, 0, 0, to.address, last.address, rows, C, K, 0, scratch);
  out.data.set(to.data.subarray(behindCount * C));
}
