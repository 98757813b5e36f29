/** Pages that are softmax attention with norms, turns, gates or biases of other kernels around it. */
import type { firePositionBias } from "../../spec/positional/fire-position-bias.ts";
import type { kerplePositionBias } from "../../spec/positional/kerple-position-bias.ts";
import type { nope } from "../../spec/positional/nope.ts";
import type { t5RelativeBias } from "../../spec/positional/t5-relative-bias.ts";
import type { cosineAttentionSwinv2 } from "../../spec/score/cosine-attention-swinv2.ts";
import type { differentialAttention } from "../../spec/score/differential-attention.ts";
import type { gatedAttentionOutput } from "../../spec/score/gated-attention-output.ts";
import type { qkNorm } from "../../spec/score/qk-norm.ts";
import type { KernelTensor } from "../oracle/kernel.ts";
import { rotaryFrequencies, rotaryTable } from "../wasm/rotary.ts";
import type { Floats } from "../wasm/tensor.ts";
import { booleans, floats, given, type Implementation, numbers } from "./adapt.ts";
import { filled, mapped, reshaped } from "./arrays.ts";
import { joined, projected } from "./projections.ts";

/** [A, B, D] as [B, A, D]. */
function swapped({ shape, data }: Floats): Floats {
  const [A, B, D] = shape as [number, number, number];
  const result = new Float32Array(data.length);
  for (let a = 0; a < A; a++)
    for (let b = 0; b < B; b++) result.set(data.subarray((a * B + b) * D, (a * B + b + 1) * D), (b * A + a) * D);
  return { shape: [B, A, D], data: result };
}

/** [H, Tq, Tk], a number for each head and pair of places. */
const biasOf = (H: number, Tq: number, Tk: number, value: (h: number, t: number, s: number) => number): Floats =>
  filled([H, Tq, Tk], (i) => value(Math.floor(i / Tk / Tq), Math.floor(i / Tk) % Tq, i % Tk));

const normalisedKeys: Implementation<typeof qkNorm> =
  (kernels) =>
  async ({ q, k, v, gQ, gK, gamma }, { kind, scope, eps, causal, ropeTheta }) => {
    const normed = async (x: KernelTensor, weight: KernelTensor | undefined): Promise<Floats> => {
      const [H, T, D] = x.shape as [number, number, number];
      const options = { weight: given(weight), epsilon: eps };
      if (T === 0) return floats(x);
      if (scope === "head") return kernels.norm(floats(x), kind, options);
      const rows = reshaped(swapped(floats(x)), T, H * D);
      return swapped(reshaped(await kernels.norm(rows, kind, options), T, H, D));
    };
    const ready = async (x: KernelTensor, weight: KernelTensor | undefined): Promise<Floats> => {
      const plain = await normed(x, weight);
      if (ropeTheta === Infinity) return plain;
      const [, T, D] = x.shape as [number, number, number];
      // Places count from the last token.
      const places = Array.from({ length: T }, (_, t) => t - T);
      return kernels.rotate(plain, rotaryTable(places, rotaryFrequencies(D, ropeTheta)));
    };
    const scale = (gamma ? numbers(gamma)[0]! : 1) / (kind === "l2" ? 1 : Math.sqrt(q.shape[2]!));
    const [queries, keys] = await Promise.all([ready(q, gQ), ready(k, gK)]);
    return { out: (await kernels.attention(queries, keys, floats(v), { scale, causal })).out };
  };

const swinv2: Implementation<typeof cosineAttentionSwinv2> =
  (kernels) =>
  async ({ q, k, v, mask, logitScale, w1, b1, w2 }, { window, pretrainedWindow }) => {
    const [H, N, D] = q.shape as [number, number, number];
    const [Y, X] = window as [number, number];
    const [wasY = Y, wasX = X] = pretrainedWindow;
    const A = b1.shape[0]!;
    const tau = (h: number) => Math.exp(Math.min(numbers(logitScale)[h]!, Math.log(100)));
    const spaced = (difference: number, was: number) =>
      difference === 0 ? 0 : (Math.sign(difference) * Math.log2(1 + (8 * Math.abs(difference)) / (was - 1))) / 3;
    // The network that makes the biases sees each difference of places once.
    const [rows, columns] = [2 * Y - 1, 2 * X - 1];
    const places = Float32Array.from({ length: rows * columns * 2 }, (_, i) => {
      const place = i >> 1;
      return i % 2 ? spaced((place % columns) - X + 1, wasX) : spaced(Math.floor(place / columns) - Y + 1, wasY);
    });
    const hidden = await kernels.matmul({ shape: [rows * columns, 2], data: places }, floats(w1), { bias: floats(b1) });
    const raw = await kernels.matmul(await kernels.map(hidden, "relu"), reshaped(w2, A, H));
    const { data: biases } = await kernels.map(raw, "sigmoid");
    const difference = (t: number, s: number) =>
      (Math.floor(t / X) - Math.floor(s / X) + Y - 1) * columns + (t % X) - (s % X) + X - 1;
    const bias = biasOf(H, N, N, (h, t, s) => 16 * biases[difference(t, s) * H + h]!);
    const unit = (x: KernelTensor) => kernels.norm(floats(x), "l2", { epsilon: 1e-12 });
    const [directions, keys] = await Promise.all([unit(q), unit(k)]);
    const queries = mapped(directions, (value, i) => value * tau(Math.floor(i / D / N)));
    const options = { scale: 1, bias, mask: booleans(mask) };
    return { out: (await kernels.attention(queries, keys, floats(v), options)).out };
  };

const gatedOutput: Implementation<typeof gatedAttentionOutput> =
  (kernels) =>
  async ({ x, wQ, wK, wV, wO, wG, gQ, gK }, o) => {
    const { heads, granularity, activation, causal, qkNorm: normed, normEps, ropeTheta, partialRotary } = o;
    const D = wQ.shape[1]! / heads;
    const keyHeads = wK.shape[1]! / D;
    const T = x.shape[0]!;
    const R = ropeTheta === Infinity ? 0 : Math.floor(partialRotary * D);
    const table = rotaryTable(T, rotaryFrequencies(R, ropeTheta));
    const ready = async (w: KernelTensor, count: number, gain: KernelTensor | undefined) => {
      const plain = await projected(kernels, x, w, count);
      const offset = gain && normed === "rms1p" ? 1 : 0;
      const unit =
        normed === "none" ? plain : await kernels.norm(plain, "rms", { epsilon: normEps, weight: given(gain), offset });
      return R === 0 ? unit : kernels.rotate(unit, table, { axis: 0 });
    };
    const [q, k, v] = await Promise.all([
      ready(wQ, heads, gQ),
      ready(wK, keyHeads, gK),
      projected(kernels, x, wV, keyHeads),
    ]);
    const { out: attended } = await kernels.attention(q, k, v, { causal, layout: "tokens-first" });
    const logits = await kernels.matmul(floats(x), floats(wG));
    const E = v.shape[2]!;
    // A gate for each head is spread over its channels.
    const gates =
      granularity === "headwise"
        ? mapped(attended, (_, i) => logits.data[Math.floor(i / E)]!)
        : reshaped(logits, ...attended.shape);
    return { out: await joined(kernels, await kernels.gated(gates, attended, activation), wO) };
  };

const differential: Implementation<typeof differentialAttention> =
  (kernels) =>
  async (
    { x, wQ, wK, wV, wO, lambdaQ1, lambdaK1, lambdaQ2, lambdaK2, g },
    { heads, depth, rope, ropeBase, causal },
  ) => {
    const D = wQ.shape[1]! / heads / 2;
    const T = x.shape[0]!;
    const keyHeads = wK.shape[1]! / D / 2;
    const E = 2 * D;
    const table = rotaryTable(T, rotaryFrequencies(D, ropeBase));
    const turned = async (w: KernelTensor, count: number) => {
      const plain = await projected(kernels, x, w, count);
      return rope ? kernels.rotate(plain, table, { axis: 0, layout: "interleaved" }) : plain;
    };
    const [q, k, { data: values }] = await Promise.all([
      turned(wQ, 2 * heads),
      turned(wK, 2 * keyHeads),
      kernels.matmul(floats(x), floats(wV)),
    ]);
    // Both maps of a pair share the values.
    const twice = (place: number) => {
      const [token, head] = [Math.floor(place / E / 2 / keyHeads), Math.floor(place / E) % (2 * keyHeads)];
      return values[(token * keyHeads + (head >> 1)) * E + (place % E)]!;
    };
    const v = filled([T, 2 * keyHeads, E], twice);
    const attended = await kernels.attention(q, k, v, { causal, layout: "tokens-first" });
    const maps = attended.out.data;
    const product = (a: KernelTensor, b: KernelTensor) =>
      numbers(a).reduce((total, value, d) => total + value * numbers(b)[d]!, 0);
    const initial = 0.8 - 0.6 * Math.exp(-0.3 * depth);
    const lambda = Math.exp(product(lambdaQ1, lambdaK1)) - Math.exp(product(lambdaQ2, lambdaK2)) + initial;
    const difference = filled([T, heads, E], (i) => {
      const first = Math.floor(i / E) * 2 * E + (i % E);
      return maps[first]! - lambda * maps[first + E]!;
    });
    const normed = await kernels.norm(difference, "rms", { weight: given(g), epsilon: 1e-5 });
    return { out: (await joined(kernels, normed, wO)).map((value) => value * (1 - initial)) };
  };

const buckets: Implementation<typeof t5RelativeBias> =
  (kernels) =>
  async ({ q, k, v, table, positions }, { bidirectional, numBuckets, maxDistance, scale, causal }) => {
    const [H, Tq, Tk] = [q.shape[0]!, q.shape[1]!, k.shape[1]!];
    const n = bidirectional ? Math.floor(numBuckets / 2) : numBuckets;
    const exact = Math.floor(n / 2);
    const binned = (a: number) =>
      a < exact
        ? a
        : Math.min(n - 1, exact + Math.floor((Math.log(a / exact) / Math.log(maxDistance / exact)) * (n - exact)));
    const bucketOf = (delta: number) =>
      bidirectional ? binned(Math.abs(delta)) + (delta > 0 ? n : 0) : binned(Math.max(-delta, 0));
    const place = (t: number) => (positions ? positions.data[t]! : t + Tk - Tq);
    const bucket = Int32Array.from({ length: Tq * Tk }, (_, i) => bucketOf((i % Tk) - place(Math.floor(i / Tk))));
    const seen = bucket.map((_, i) => Number(!causal || i % Tk <= place(Math.floor(i / Tk))));
    const { out } = await kernels.attention(floats(q), floats(k), floats(v), {
      scale,
      bias: biasOf(H, Tq, Tk, (h, t, s) => numbers(table)[bucket[t * Tk + s]! * H + h]!),
      mask: { shape: [Tq, Tk], data: Uint8Array.from(seen) },
    });
    return { out, bucket };
  };

const kerple: Implementation<typeof kerplePositionBias> =
  (kernels) =>
  async ({ q, k, v, p, a, pW, aW }, { variant, clamp, causal }) => {
    if (pW || aW) return { decline: "factors on the scores: the kernel adds biases only" };
    const [H, Tq, Tk] = [q.shape[0]!, q.shape[1]!, k.shape[1]!];
    const of = (x: KernelTensor | undefined, h: number, most = Infinity) => {
      const value = x ? numbers(x)[h]! : 1;
      return clamp ? Math.min(Math.max(value, 0.01), most) : value;
    };
    const bias = biasOf(H, Tq, Tk, (h, t, s) => {
      const distance = Math.abs(s - t - Tk + Tq);
      if (variant === "log") return -of(p, h) * Math.log1p(of(a, h) * distance);
      return p || a ? -of(a, h) * distance ** of(p, h, 2) : 0;
    });
    return { out: (await kernels.attention(floats(q), floats(k), floats(v), { bias, causal })).out };
  };

const fire: Implementation<typeof firePositionBias> =
  (kernels) =>
  async ({ q, k, v, c, lMul, w1, b1, w2, b2 }, { l0, eps }) => {
    const [H, Tq, Tk] = [q.shape[0]!, q.shape[1]!, k.shape[1]!];
    const place = (t: number) => t + Tk - Tq;
    const psi = (x: number) => Math.log(Math.abs(numbers(c)[0]! * x) + 1);
    const distances = Float32Array.from({ length: Tq * Tk }, (_, i) => {
      const at = place(Math.floor(i / Tk));
      return psi(at - (i % Tk)) / (psi(Math.max(at, Math.abs(numbers(lMul)[0]! * l0))) + eps);
    });
    const hidden = await kernels.matmul({ shape: [Tq * Tk, 1], data: distances }, floats(w1), { bias: floats(b1) });
    const { data } = await kernels.matmul(await kernels.map(hidden, "relu"), floats(w2), { bias: floats(b2) });
    const bias = biasOf(H, Tq, Tk, (h, t, s) => (s <= place(t) ? data[(t * Tk + s) * H + h]! : 0));
    const { out } = await kernels.attention(floats(q), floats(k), floats(v), { bias, causal: true });
    return { out, bias };
  };

const noPositions: Implementation<typeof nope> =
  (kernels) =>
  async ({ x, wQ, wK, wV, wO }, { heads, scale, causal, temperature, floorScale, offset }) => {
    const width = wQ.shape[1]!;
    const growth = (place: number) =>
      1 + temperature * Math.log1p(Math.floor((Math.floor(place / width) + offset + 1) / floorScale));
    const [plain, k, v] = await Promise.all([
      projected(kernels, x, wQ, heads),
      projected(kernels, x, wK, heads),
      projected(kernels, x, wV, heads),
    ]);
    const q = mapped(plain, (value, i) => value * growth(i));
    const { out } = await kernels.attention(q, k, v, { scale, causal, layout: "tokens-first" });
    return { out: await joined(kernels, out, wO) };
  };

export const composed = {
  "positional/fire-position-bias": fire,
  "positional/kerple-position-bias": kerple,
  "positional/nope": noPositions,
  "positional/t5-relative-bias": buckets,
  "score/cosine-attention-swinv2": swinv2,
  "score/differential-attention": differential,
  "score/gated-attention-output": gatedOutput,
  "score/qk-norm": normalisedKeys,
} as const;
