/** Pages that turn features by their place. */
import type { axialRopeNd } from "../../spec/positional/axial-rope-nd.ts";
import type { ropeLinearScaling } from "../../spec/positional/rope-linear-scaling.ts";
import type { ropeNtkAware } from "../../spec/positional/rope-ntk-aware.ts";
import type { ropeRandomizedPositions } from "../../spec/positional/rope-randomized-positions.ts";
import type { ropeYarn } from "../../spec/positional/rope-yarn.ts";
import type { rotaryPositionEmbedding } from "../../spec/positional/rotary-position-embedding.ts";
import type { xpos } from "../../spec/positional/xpos.ts";
import type { KernelTensor } from "../oracle/kernel.ts";
import { rotaryFrequencies, rotaryTable } from "../wasm/rotary.ts";
import type { Floats } from "../wasm/tensor.ts";
import { floats, type Implementation, numbers } from "./adapt.ts";
import { mapped } from "./arrays.ts";
import type { Calls } from "./calls.ts";

/** Real places, one for each token of x [T, D], with frequencies of their own. */
function turned(
  kernels: Calls,
  x: KernelTensor,
  positions: ArrayLike<number>,
  frequencies: readonly number[],
  layout: "half" | "interleaved" = "half",
  factor = 1,
): Floats | Promise<Floats> {
  return kernels.rotate(floats(x), rotaryTable(positions, frequencies, factor), { layout });
}

const rotary: Implementation<typeof rotaryPositionEmbedding> =
  (kernels) =>
  async ({ x, positions, invFreq }, { base, rotaryDim, layout, attentionScaling }) => {
    const frequencies = invFreq ? [...numbers(invFreq)] : rotaryFrequencies(rotaryDim, base);
    return { out: await turned(kernels, x, numbers(positions), frequencies, layout as "half", attentionScaling) };
  };

const linear: Implementation<typeof ropeLinearScaling> =
  (kernels) =>
  async ({ x, positions }, { scale, base }) => {
    const invFreq = rotaryFrequencies(x.shape[1]!, base).map((w) => w / Math.max(scale, 1));
    return { out: await turned(kernels, x, numbers(positions), invFreq), invFreq };
  };

const ntkAware: Implementation<typeof ropeNtkAware> =
  (kernels) =>
  async ({ x, positions }, { alpha, dynamic, n0, length, base }) => {
    const D = x.shape[1]!;
    const stretch = dynamic ? (alpha * Math.max(length, n0)) / n0 - (alpha - 1) : alpha;
    const invFreq = rotaryFrequencies(D, base * stretch ** (D / (D - 2)));
    return { out: await turned(kernels, x, numbers(positions), invFreq), invFreq };
  };

const yarn: Implementation<typeof ropeYarn> =
  (kernels) =>
  async ({ x, positions }, { scale, n0, betaFast, betaSlow, attnFactor, base }) => {
    const D = x.shape[1]!;
    const pairTurning = (turns: number) => (D * Math.log(n0 / (2 * Math.PI * turns))) / (2 * Math.log(base));
    const low = Math.max(Math.floor(pairTurning(betaFast)), 0);
    const high = Math.min(Math.ceil(pairTurning(betaSlow)), D - 1);
    const ramp = (i: number) => Math.min(Math.max((i - low) / (low === high ? 0.001 : high - low), 0), 1);
    const invFreq = rotaryFrequencies(D, base).map((w, i) => (w / scale) * ramp(i) + w * (1 - ramp(i)));
    const factor = attnFactor * (0.1 * Math.log(scale) + 1);
    return { out: await turned(kernels, x, numbers(positions), invFreq, "half", factor), invFreq };
  };

const randomized: Implementation<typeof ropeRandomizedPositions> =
  (kernels) =>
  async ({ x, u }, { base }) => {
    const [T, D] = x.shape as [number, number];
    const positions = Float64Array.from({ length: T }, (_, j) => j);
    if (u) {
      numbers(u).forEach((step, j) => {
        positions[j] = 2 * step + (positions[j - 1] ?? 0);
      });
      const walked = positions[T - 1]!;
      positions.forEach((place, j) => {
        positions[j] = (place * T) / Math.max(walked, T);
      });
    }
    return { out: await turned(kernels, x, positions, rotaryFrequencies(D, base)), positions };
  };

/** Angles follow from several coordinates of a place, so that the table is made here. */
const axial: Implementation<typeof axialRopeNd> =
  (kernels) =>
  async ({ x, positions, w }, { variant, base, layout, sections }) => {
    const [T, D] = x.shape as [number, number];
    const G = positions.shape[1]!;
    const [I, share] = [D / 2, D / 2 / G];
    const at = (t: number, g: number) => numbers(positions)[t * G + g]!;
    const section = sections.flatMap((size, g) => Array<number>(size).fill(g));
    const angle = (t: number, i: number) => {
      const [g, j] = [Math.floor(i / share), i % share];
      if (variant === "axial-block") return at(t, g) * base ** ((-2 * j * G) / D);
      if (variant === "mixed")
        return Array.from({ length: G }, (_, c) => at(t, c) * numbers(w!)[i * G + c]!).reduce((a, b) => a + b);
      if (variant === "mrope") return at(t, section[i]!) * base ** ((-2 * i) / D);
      return at(t, g) * base ** ((-2 * (G * j + g)) / D);
    };
    const angles = Float64Array.from({ length: T * I }, (_, place) => angle(Math.floor(place / I), place % I));
    // Blocks that turn apart from each other are tokens of their own.
    const blocks = variant === "axial-block" && layout === "half" ? G : 1;
    const shape = [T * blocks, I / blocks];
    const table = {
      cosines: { shape, data: Float32Array.from(angles, Math.cos) },
      sines: { shape, data: Float32Array.from(angles, Math.sin) },
    };
    const cut = { shape: [T * blocks, D / blocks], data: numbers(x) };
    const { data } = await kernels.rotate(cut, table, { layout: layout === "interleaved" ? layout : "half" });
    return { out: data };
  };

const extrapolable: Implementation<typeof xpos> =
  (kernels) =>
  async ({ q, k, positions }, { scaleBase, center }) => {
    const [T, D] = q.shape as [number, number];
    const power = (t: number, d: number) =>
      ((Math.floor(d / 2) * 2) / D / 1.4 + 0.4 / 1.4) ** ((numbers(positions)[t]! - center) / scaleBase);
    const shrunk = async (x: KernelTensor, sign: 1 | -1): Promise<Floats> => {
      const whole = await turned(kernels, x, numbers(positions), rotaryFrequencies(D), "interleaved");
      return mapped(whole, (value, i) => value * power(Math.floor(i / D), i % D) ** sign);
    };
    const [qRot, kRot] = await Promise.all([shrunk(q, 1), shrunk(k, -1)]);
    const { data } = await kernels.matmul(qRot, kRot, { transposed: true });
    const scores = data.map((score, i) => (i % T <= Math.floor(i / T) ? score / Math.sqrt(D) : 0));
    return { scores, qRot, kRot };
  };

export const rotaryPages = {
  "positional/axial-rope-nd": axial,
  "positional/rope-linear-scaling": linear,
  "positional/rope-ntk-aware": ntkAware,
  "positional/rope-randomized-positions": randomized,
  "positional/rope-yarn": yarn,
  "positional/rotary-position-embedding": rotary,
  "positional/xpos": extrapolable,
} as const;
