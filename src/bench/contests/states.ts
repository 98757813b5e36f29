/** Selective scan, state-space duality, short and long convolution: prefill and decode. */
import type { WasmTensor } from "../../wasm/tensor.ts";
import type { Contest, Contests, Ring } from "../contest.ts";

const lengths = [256, 1024, 4096, 16384];
const heads = 8;
const width = 64;

/** A tensor of numbers that only decay. */
function decays(ring: Ring, ...shape: number[]): WasmTensor {
  const x = ring.drawn(...shape);
  x.data.forEach((value, i) => {
    x.data[i] = -Math.abs(value) / 4;
  });
  return x;
}

/** A tensor of small positive steps. */
function steps(ring: Ring, ...shape: number[]): WasmTensor {
  const x = decays(ring, ...shape);
  x.data.forEach((value, i) => {
    x.data[i] = -value;
  });
  return x;
}

type Arrays = Readonly<Record<"u" | "delta" | "a" | "b" | "c", Float32Array>>;
const arraysOf = (of: Readonly<Record<"u" | "delta" | "a" | "b" | "c", WasmTensor>>): Arrays => {
  const { u, delta, a, b, c } = of;
  return { u: u.data.slice(), delta: delta.data.slice(), a: a.data.slice(), b: b.data.slice(), c: c.data.slice() };
};

/** The chunked form's multiplications and additions: one group's scores, and each head's chunk, reading and writing. */
const chunk = 64;
const ssdOperations = (tokens: number, states: number): number => {
  const seen = (Math.min(tokens, chunk) + 1) / 2;
  return tokens * (2 * states * seen + heads * (2 * width * seen + 4 * width * states));
};

function ssdLoops({ u, delta, a, b, c }: Arrays, tokens: number, states: number, state: Float32Array): Float32Array {
  const out = new Float32Array(u.length);
  for (let t = 0; t < tokens; t++)
    for (let h = 0; h < heads; h++) {
      const step = delta[t * heads + h]!;
      const factor = Math.exp(step * a[h]!);
      for (let e = 0; e < width; e++) {
        const at = (h * width + e) * states;
        const value = step * u[(t * heads + h) * width + e]!;
        let sum = 0;
        for (let n = 0; n < states; n++) {
          const s = factor * state[at + n]! + value * b[t * states + n]!;
          state[at + n] = s;
          sum += s * c[t * states + n]!;
        }
        out[(t * heads + h) * width + e] = sum;
      }
    }
  return out;
}

function ssd(ring: Ring, tokens: number, states: number): Contest {
  const { kernels, drawn, blank } = ring;
  const of = {
    u: drawn(tokens, heads, width),
    delta: steps(ring, tokens, heads),
    a: decays(ring, heads),
    b: drawn(tokens, 1, states),
    c: drawn(tokens, 1, states),
  };
  const [into, stateInto] = [blank(tokens, heads, width), blank(heads, width, states)];
  const decode = tokens === 1;
  const state = decode ? drawn(heads, width, states) : undefined;
  const keys = decode ? 4096 : tokens;
  const [q, k, v] = [drawn(heads, tokens, width), drawn(heads, keys, width), drawn(heads, keys, width)];
  const other = blank(heads, tokens, width);
  const copies = arraysOf(of);
  return {
    name: `state-space duality ${decode ? "decode" : `prefill ${tokens}`}, ${states} states`,
    page: "linear/mamba2-ssd",
    operations: decode ? heads * 5 * width * states : ssdOperations(tokens, states),
    ...(decode ? { bytes: 4 * heads * width * states } : {}),
    ours: () => kernels.ssd(of, { state, into, stateInto }).out,
    rivals: {
      "straight loops":
        tokens <= 4096
          ? () => ssdLoops(copies, tokens, states, state?.data.slice() ?? new Float32Array(heads * width * states))
          : undefined,
      // It does another job: what it computes is not compared.
      [`our softmax attention${decode ? ", 4096 keys" : ", causal"}`]:
        tokens <= 4096
          ? () => {
              kernels.attention(q, k, v, { causal: true, into: other });
              return undefined;
            }
          : undefined,
    },
    agree: 1e-2,
  };
}

const channels = 1024;
const scanStates = 16;
/** For each state: its rate, 2 to its power (13), what is kept and written, and what is read. */
const scanOperations = 19;

function scanLoops({ u, delta, a, b, c }: Arrays, tokens: number, state: Float32Array): Float32Array {
  const out = new Float32Array(u.length);
  for (let t = 0; t < tokens; t++)
    for (let i = 0; i < channels; i++) {
      const step = delta[t * channels + i]!;
      const value = step * u[t * channels + i]!;
      let sum = 0;
      for (let n = 0; n < scanStates; n++) {
        const at = i * scanStates + n;
        const s = Math.exp(step * a[at]!) * state[at]! + value * b[t * scanStates + n]!;
        state[at] = s;
        sum += s * c[t * scanStates + n]!;
      }
      out[t * channels + i] = sum;
    }
  return out;
}

function scan(ring: Ring, tokens: number): Contest {
  const { kernels, drawn, blank } = ring;
  const of = {
    u: drawn(tokens, channels),
    delta: steps(ring, tokens, channels),
    a: decays(ring, channels, scanStates),
    b: drawn(tokens, scanStates),
    c: drawn(tokens, scanStates),
  };
  const [into, stateInto] = [blank(tokens, channels), blank(channels, scanStates)];
  const state = tokens === 1 ? drawn(channels, scanStates) : undefined;
  const copies = arraysOf(of);
  return {
    name: `selective scan ${tokens === 1 ? "decode" : `prefill ${tokens}`}, ${channels} channels of ${scanStates} states`,
    page: "linear/mamba-selective-ssm",
    operations: tokens * channels * scanStates * scanOperations,
    ours: () => kernels.selectiveScan(of, { state, into, stateInto }).out,
    rivals: {
      "straight loops":
        tokens <= 1024
          ? () => scanLoops(copies, tokens, state?.data.slice() ?? new Float32Array(channels * scanStates))
          : undefined,
    },
  };
}

function short({ kernels, drawn, blank }: Ring, tokens: number): Contest {
  const [x, weights, into, stateInto] = [
    drawn(tokens, channels),
    drawn(channels, 4),
    blank(tokens, channels),
    blank(3, channels),
  ];
  return {
    name: `short convolution ${tokens}, ${channels} channels`,
    operations: 8 * tokens * channels,
    bytes: 4 * tokens * channels,
    ours: () => kernels.convolution(x, weights, { into, stateInto }).out,
  };
}

function longLoops(u: Float32Array, taps: Float32Array, tokens: number, count: number): Float32Array {
  const out = new Float32Array(u.length);
  for (let t = 0; t < tokens; t++)
    for (let s = 0; s <= t; s++)
      for (let c = 0; c < count; c++) out[t * count + c]! += taps[c * tokens + t - s]! * u[s * count + c]!;
  return out;
}

/** Three complex transforms of as many points as tokens, at 5 n log2 n, and the products. */
function long({ kernels, drawn, blank }: Ring, tokens: number): Contest {
  const [u, taps, into] = [drawn(tokens, width), drawn(width, tokens), blank(tokens, width)];
  const copies = [u.data.slice(), taps.data.slice()] as const;
  return {
    name: `long convolution ${tokens}, ${width} channels`,
    page: "spectral/long-convolution",
    operations: width * tokens * (15 * Math.log2(tokens) + 24),
    ours: () => kernels.longConvolution(u, taps, { into }),
    rivals: { "straight loops": tokens <= 1024 ? () => longLoops(...copies, tokens, width) : undefined },
    agree: 1e-2,
  };
}

export const states: Contests = (ring) => [
  ...[64, 128].flatMap((count) => [...lengths, 1].map((tokens) => ssd(ring, tokens, count))),
  ...[...lengths, 1].map((tokens) => scan(ring, tokens)),
  ...[4096, 1].map((tokens) => short(ring, tokens)),
  ...lengths.map((tokens) => long(ring, tokens)),
];
