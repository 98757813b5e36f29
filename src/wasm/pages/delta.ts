/** Pages that the delta rule implements: the recurrences. */
import type { comba } from "../../../spec/linear/comba.ts";
import type { deltanet } from "../../../spec/linear/deltanet.ts";
import type { gatedDeltanet } from "../../../spec/linear/gated-deltanet.ts";
import type { gatedDeltanet2 } from "../../../spec/linear/gated-deltanet-2.ts";
import type { gatedDeltaproduct } from "../../../spec/linear/gated-deltaproduct.ts";
import type { kimiDeltaAttention } from "../../../spec/linear/kimi-delta-attention.ts";
import type { longhorn } from "../../../spec/linear/longhorn.ts";
import type { omegaRuleMemory } from "../../../spec/linear/omega-rule-memory.ts";
import type { rwkv7TimeMixing } from "../../../spec/linear/rwkv7-time-mixing.ts";
import { sigmoid } from "../../../spec/page.ts";
import type { KernelTensor } from "../../oracle/kernel.ts";
import type { DeltaRuled } from "../delta.ts";
import { each } from "../layers.ts";
import type { Kernels } from "../load.ts";
import type { Floats } from "../tensor.ts";
import { as, floats, given, type Implementation } from "./adapt.ts";

/** An input of one head, whose axis the page does not have. */
const one = (t: KernelTensor): Floats => as(t, 1, ...t.shape);
const oneIf = (t: KernelTensor | undefined): Floats | undefined => t && one(t);
const bare = ({ out, state }: DeltaRuled) => ({ out: out.data, state: state.data });

const delta: Implementation<typeof deltanet> =
  (kernels) =>
  ({ q, k, v, beta, state }, { scale }) =>
    bare(kernels.deltaRule(one(q), one(k), one(v), { beta: one(beta), state: oneIf(state), scale }));

interface Gated extends Readonly<Record<"q" | "k" | "v" | "g" | "beta", KernelTensor>> {
  readonly state?: KernelTensor;
}

/** With one gate a token or one for each feature. */
const gated =
  (kernels: Kernels) =>
  ({ q, k, v, g, beta, state }: Gated, { scale }: { readonly scale: number }) =>
    bare(kernels.deltaRule(one(q), one(k), one(v), { gate: one(g), beta: one(beta), state: oneIf(state), scale }));

const gatedRule: Implementation<typeof gatedDeltanet> = gated;
const kimi: Implementation<typeof kimiDeltaAttention> = gated;

const product: Implementation<typeof gatedDeltaproduct> =
  (kernels) =>
  ({ q, k, v, beta, g, state }, { nH, scale }) => {
    const options = { writes: nH, gate: oneIf(g), beta: one(beta), state: oneIf(state), scale };
    return bare(kernels.deltaRule(one(q), one(k), one(v), options));
  };

const combaRule: Implementation<typeof comba> =
  (kernels) =>
  ({ q, k, v, p, g, beta, state }, { scale }) => {
    const options = { read: one(p), readBefore: true, gate: one(g), beta: one(beta), state: oneIf(state), scale };
    return bare(kernels.deltaRule(one(q), one(k), one(v), options));
  };

const apart: Implementation<typeof gatedDeltanet2> =
  (kernels) =>
  ({ q, k, v, g, b, w, state }, { scale }) => {
    const read = each(one(k), (value, i) => value * Number(b.data[i]));
    const written = each(one(v), (value, i) => value * Number(w.data[i]));
    return bare(kernels.deltaRule(one(q), one(k), written, { read, gate: one(g), state: oneIf(state), scale }));
  };

const rwkv7: Implementation<typeof rwkv7TimeMixing> =
  (kernels) =>
  ({ r, w, k, v, kk, a, state }) => {
    const erase = each(one(kk), (value, i) => value * Number(a.data[i]));
    const options = { decay: one(w), read: one(kk), readBefore: true, erase, state: oneIf(state), scale: 1 };
    return bare(kernels.deltaRule(one(r), one(k), one(v), options));
  };

/** The rows and columns of a matrix exchanged. */
function turned({ shape, data }: Floats): Floats {
  const [rows, columns] = shape as [number, number];
  const entry = (_: unknown, i: number) => data[(i % rows) * columns + Math.floor(i / rows)]!;
  return { shape: [columns, rows], data: Float32Array.from({ length: rows * columns }, entry) };
}

/** Longhorn over started kernels: x and dt [T, A], k and q [T, N], state [A, N]. */
export function longhornOver(
  kernels: Kernels,
  exact: boolean,
  { x, k, q, dt, dSkip, state }: Record<"x" | "k" | "q" | "dt" | "dSkip", Floats> & { state: Floats | undefined },
): { out: Float32Array; state: Float32Array } {
  const A = x.shape[1]!;
  const N = k.shape[1]!;
  const size = (t: number) => k.data.subarray(t * N, (t + 1) * N).reduce((sum, value) => sum + value * value, 0);
  const sizes = Float64Array.from({ length: x.shape[0]! }, (_, t) => size(t));
  const beta = each(dt, (step, i) => {
    const b = sigmoid(step);
    return b / (1 + b * sizes[Math.floor(i / A)]!);
  });
  const head = ({ shape, data }: Floats): Floats => ({ shape: [1, ...shape], data });
  const before = state && head(turned(state));
  const ruled = kernels.deltaRule(head(q), head(k), head(x), {
    ...{ beta: head(beta), state: before, scale: 1, diagonal: !exact },
  });
  const out = each(ruled.out, (value, i) => value + dSkip.data[i % A]! * x.data[i]!).data;
  return { out, state: turned({ shape: [N, A], data: ruled.state.data }).data };
}

const longhornRule: Implementation<typeof longhorn> =
  (kernels) =>
  ({ x, k, q, dt, dSkip, state }, { exact }) =>
    longhornOver(kernels, exact, {
      ...{ x: floats(x), k: floats(k), q: floats(q), dt: floats(dt), dSkip: floats(dSkip) },
      state: given(state),
    });

const omega: Implementation<typeof omegaRuleMemory> =
  (kernels) =>
  ({ q, k, v, gamma, alpha, eta, memory }, { window, chunk, features }) => {
    if (window > 1 || chunk > 1 || features !== "identity")
      return { decline: "windows, chunks and features: only the rule of one key is a delta rule" };
    const [T, D] = k.shape as [number, number];
    const beta = each(eta, (step, i) => 2 * step * Number(gamma.data[i]));
    const ruled = (from: number, to: number, state: Floats) => {
      const cut = (t: { readonly data: ArrayLike<number> }, ...rest: number[]): Floats => {
        const row = rest.reduce((product, length) => product * length, 1);
        return { shape: [1, to - from, ...rest], data: (t.data as Float32Array).slice(from * row, to * row) };
      };
      const options = { decay: cut(alpha), beta: cut(beta), readBefore: true, state, scale: 1 };
      return kernels.deltaRule(cut(q, D), cut(k, D), cut(v, v.shape[1]!), options);
    };
    // The memory that the last gradient was taken at is the one before the last token.
    const before = ruled(0, T - 1, one(memory));
    const last = ruled(T - 1, T, before.state);
    const none = new Float32Array(0);
    return {
      out: Float32Array.of(...before.out.data, ...last.out.data),
      memory: last.state.data,
      reference: before.state.data,
      position: { shape: [], data: Float32Array.of(0) },
      ...{ pastK: none, pastV: none, pastGamma: none },
    };
  };

export const deltaRules = {
  "linear/comba": combaRule,
  "linear/deltanet": delta,
  "linear/gated-deltanet": gatedRule,
  "linear/gated-deltanet-2": apart,
  "linear/gated-deltaproduct": product,
  "linear/kimi-delta-attention": kimi,
  "linear/longhorn": longhornRule,
  "linear/omega-rule-memory": omega,
  "linear/rwkv7-time-mixing": rwkv7,
} as const;
