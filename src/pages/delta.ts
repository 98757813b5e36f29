/** Pages that the delta rule implements: the recurrences. */
import type { comba } from "../../spec/linear/comba.ts";
import type { deltanet } from "../../spec/linear/deltanet.ts";
import type { gatedDeltanet } from "../../spec/linear/gated-deltanet.ts";
import type { gatedDeltanet2 } from "../../spec/linear/gated-deltanet-2.ts";
import type { gatedDeltaproduct } from "../../spec/linear/gated-deltaproduct.ts";
import type { kimiDeltaAttention } from "../../spec/linear/kimi-delta-attention.ts";
import type { longhorn } from "../../spec/linear/longhorn.ts";
import type { omegaRuleMemory } from "../../spec/linear/omega-rule-memory.ts";
import type { rwkv7TimeMixing } from "../../spec/linear/rwkv7-time-mixing.ts";
import { sigmoid } from "../../spec/page.ts";
import type { KernelTensor } from "../oracle/kernel.ts";
import type { DeltaRuled } from "../wasm/delta.ts";
import type { Floats } from "../wasm/tensor.ts";
import { floats, given, type Implementation, oneHead } from "./adapt.ts";
import { mapped, rows, transposed } from "./arrays.ts";
import type { Calls } from "./calls.ts";

const bare = ({ out, state }: DeltaRuled) => ({ out: out.data, state: state.data });

const delta: Implementation<typeof deltanet> =
  (kernels) =>
  async ({ q, k, v, beta, state }, { scale }) => {
    const options = { beta: oneHead(beta), state: oneHead(state), scale };
    return bare(await kernels.deltaRule(oneHead(q), oneHead(k), oneHead(v), options));
  };

interface Gated extends Readonly<Record<"q" | "k" | "v" | "g" | "beta", KernelTensor>> {
  readonly state?: KernelTensor;
}

/** With one gate a token or one for each feature. */
const gated =
  (kernels: Calls) =>
  async ({ q, k, v, g, beta, state }: Gated, { scale }: { readonly scale: number }) => {
    const options = { gate: oneHead(g), beta: oneHead(beta), state: oneHead(state), scale };
    return bare(await kernels.deltaRule(oneHead(q), oneHead(k), oneHead(v), options));
  };

const gatedRule: Implementation<typeof gatedDeltanet> = gated;
const kimi: Implementation<typeof kimiDeltaAttention> = gated;

const product: Implementation<typeof gatedDeltaproduct> =
  (kernels) =>
  async ({ q, k, v, beta, g, state }, { nH, scale }) => {
    const options = { writes: nH, gate: oneHead(g), beta: oneHead(beta), state: oneHead(state), scale };
    return bare(await kernels.deltaRule(oneHead(q), oneHead(k), oneHead(v), options));
  };

const combaRule: Implementation<typeof comba> =
  (kernels) =>
  async ({ q, k, v, p, g, beta, state }, { scale }) => {
    const options = {
      read: oneHead(p),
      readBefore: true,
      gate: oneHead(g),
      beta: oneHead(beta),
      state: oneHead(state),
      scale,
    };
    return bare(await kernels.deltaRule(oneHead(q), oneHead(k), oneHead(v), options));
  };

const apart: Implementation<typeof gatedDeltanet2> =
  (kernels) =>
  async ({ q, k, v, g, b, w, state }, { scale }) => {
    const read = mapped(oneHead(k), (value, i) => value * Number(b.data[i]));
    const written = mapped(oneHead(v), (value, i) => value * Number(w.data[i]));
    return bare(
      await kernels.deltaRule(oneHead(q), oneHead(k), written, {
        read,
        gate: oneHead(g),
        state: oneHead(state),
        scale,
      }),
    );
  };

const rwkv7: Implementation<typeof rwkv7TimeMixing> =
  (kernels) =>
  async ({ r, w, k, v, kk, a, state }) => {
    const erase = mapped(oneHead(kk), (value, i) => value * Number(a.data[i]));
    const options = { decay: oneHead(w), read: oneHead(kk), readBefore: true, erase, state: oneHead(state), scale: 1 };
    return bare(await kernels.deltaRule(oneHead(r), oneHead(k), oneHead(v), options));
  };

/** Longhorn over the calls of a backend: x and dt [T, A], k and q [T, N], state [A, N]. */
export async function longhornOver(
  kernels: Calls,
  exact: boolean,
  { x, k, q, dt, dSkip, state }: Record<"x" | "k" | "q" | "dt" | "dSkip", Floats> & { state: Floats | undefined },
): Promise<{ out: Float32Array; state: Float32Array }> {
  const A = x.shape[1]!;
  const N = k.shape[1]!;
  const size = (t: number) => k.data.subarray(t * N, (t + 1) * N).reduce((sum, value) => sum + value * value, 0);
  const sizes = Float64Array.from({ length: x.shape[0]! }, (_, t) => size(t));
  const beta = mapped(dt, (step, i) => {
    const b = sigmoid(step);
    return b / (1 + b * sizes[Math.floor(i / A)]!);
  });
  const ruled = await kernels.deltaRule(oneHead(q), oneHead(k), oneHead(x), {
    beta: oneHead(beta),
    state: state && oneHead(transposed(state)),
    scale: 1,
    diagonal: !exact,
  });
  const out = mapped(ruled.out, (value, i) => value + dSkip.data[i % A]! * x.data[i]!).data;
  return { out, state: transposed(ruled.state).data };
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
  async ({ q, k, v, gamma, alpha, eta, memory }, { window, chunk, features }) => {
    if (window > 1 || chunk > 1 || features !== "identity")
      return { decline: "windows, chunks and features: only the rule of one key is a delta rule" };
    const T = k.shape[0]!;
    const beta = mapped(eta, (step, i) => 2 * step * Number(gamma.data[i]));
    const ruled = (from: number, to: number, state: Floats) => {
      const cut = (t: KernelTensor): Floats => oneHead(rows(floats(t), from, to));
      const options = { decay: cut(alpha), beta: cut(beta), readBefore: true, state, scale: 1 };
      return kernels.deltaRule(cut(q), cut(k), cut(v), options);
    };
    // The memory that the last gradient was taken at is the one before the last token.
    const before = await ruled(0, T - 1, oneHead(memory));
    const last = await ruled(T - 1, T, before.state);
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
