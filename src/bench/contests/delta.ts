/** The delta rule: whole sequences, beside straight loops and causal softmax attention, and token by token. */
import type { Id } from "../../../spec/catalogue.ts";
import type { DeltaRuleOptions } from "../../wasm/delta.ts";
import type { Floats, WasmTensor } from "../../wasm/tensor.ts";
import type { Contest, Contests, Ring } from "../contest.ts";
import { straight } from "../rivals/loops.ts";

export const delta: Contests = (ring) =>
  [64, 128].flatMap((width) => [
    ...[256, 1024, 4096, 16384].flatMap((tokens) => sequences(ring, tokens, width)),
    decode(ring, width),
  ]);

/** Tokens of a decode contest: one alone is too short a time. */
const decoded = 64;

function sequences(ring: Ring, tokens: number, width: number): Contest[] {
  const { kernels } = ring;
  // The longest sequences of all heads would not fit in the memory beside the others.
  const heads = tokens > 4096 ? 1 : 8;
  const { q, k, v, into, beta, gate, gates } = tensors(ring, heads, tokens, width);
  const state = ring.blank(heads, width, width);
  const attended = ring.blank(heads, tokens, width);
  const decays = ring.blank(heads, tokens, width);
  decays.data.set(gates.data.map(Math.exp));
  const softmax = () => {
    kernels.attention(q, k, v, { causal: true, into: attended });
    return undefined;
  };
  const contest = (page: Id, what: string, options: DeltaRuleOptions, perToken: number): Contest => ({
    page,
    name: `${what} ${tokens}${width === 64 ? "" : ` D=${width}`}`,
    operations: heads * tokens * perToken,
    ours: () => kernels.deltaRule(q, k, v, { ...options, into, stateInto: state }).out,
    rivals: {
      loops: tokens <= 256 ? straight(deltaLoops(options), q, k, v) : undefined,
      "our attention": softmax,
    },
  });
  // Chunks of 16: the state is read twice and written, keys meet keys and queries, writes are solved and read.
  const chunked = 6 * width * width + 4 * 16 * width;
  const twice = kernels.target === "relaxed" ? 8 * width * width + 8 * 16 * width : 9 * width * width;
  return [
    contest("linear/gated-deltanet", "gated delta rule", { gate, beta }, chunked),
    contest("linear/kimi-delta-attention", "Kimi delta attention", { gate: gates, beta }, chunked),
    contest("linear/rwkv7-time-mixing", "RWKV-7", { decay: decays, read: k, readBefore: true, erase: k }, twice),
  ];
}

/** Queries, keys of length 1, values, gates of a token and of each of its features. */
function tensors({ drawn, blank }: Ring, heads: number, tokens: number, width: number) {
  const [q, k, v] = [drawn(heads, tokens, width), drawn(heads, tokens, width), drawn(heads, tokens, width)];
  const [gate, gates, beta] = [drawn(heads, tokens), drawn(heads, tokens, width), drawn(heads, tokens)];
  for (const t of [gate, gates]) t.data.set(t.data.map((x) => -0.1 * Math.abs(x)));
  beta.data.set(beta.data.map((x) => 1 / (1 + Math.exp(-x))));
  for (let start = 0; start < k.data.length; start += width) {
    const row = k.data.subarray(start, start + width);
    const length = Math.hypot(...row);
    row.set(row.map((x) => x / length));
  }
  return { q, k, v, gate, gates, beta, into: blank(heads, tokens, width) };
}

/** One token at a time with the state in place, beside attention to 4096 tokens kept. */
function decode(ring: Ring, width: number): Contest {
  const { kernels } = ring;
  const heads = 8;
  // Each another token: a state that one token alone is written to fades into numbers that are slow to compute with.
  const tokens = Array.from({ length: decoded }, () => tensors(ring, heads, 1, width));
  const state = ring.blank(heads, width, width);
  state.data.fill(0);
  const [keys, values] = [ring.drawn(heads, 4096, width), ring.drawn(heads, 4096, width)];
  const each = (body: (token: ReturnType<typeof tensors>) => void) => () => {
    tokens.forEach(body);
    return undefined;
  };
  const plain = tokens.map(({ q, k, v, gate, beta }) => straight(deltaLoops({ gate, beta }), q, k, v));
  return {
    name: `gated delta rule, ${decoded} tokens one by one${width === 64 ? "" : ` D=${width}`}`,
    page: "linear/gated-deltanet",
    bytes: 4 * decoded * heads * width * width,
    ours: each(({ q, k, v, gate, beta, into }) => {
      kernels.deltaRule(q, k, v, { gate, beta, state, stateInto: state, into });
    }),
    rivals: {
      loops: () => {
        for (const token of plain) token();
        return undefined;
      },
      "our attention to 4096": each(({ q, into }) => {
        kernels.attention(q, keys, values, { into });
      }),
    },
  };
}

/** The recurrence as it is written: a gate for each token or each feature, β, and what is read taken away. */
function deltaLoops({ gate, decay, beta, readBefore, erase }: DeltaRuleOptions) {
  const [gates, rates] = [gate ?? decay, beta].map((t: Floats | WasmTensor | undefined) => t?.data.slice());
  const factor = gate ? Math.exp : (x: number) => x;
  return ({ shape, data: q }: Floats, { data: k }: Floats, { data: v }: Floats): Float32Array => {
    const [H, T, D] = shape as [number, number, number];
    const wide = gates!.length === H * T * D;
    const out = new Float32Array(H * T * D);
    const read = new Float32Array(D);
    for (let h = 0; h < H; h++) {
      const S = new Float32Array(D * D);
      for (let row = h * T; row < (h + 1) * T; row++) {
        const at = row * D;
        read.fill(0);
        for (let d = 0; d < D; d++) {
          const w = factor(gates![wide ? at + d : row]!);
          const x = k[at + d]! * (readBefore ? 1 : w);
          for (let e = 0; e < D; e++) {
            read[e]! += x * S[d * D + e]!;
            S[d * D + e]! *= w;
          }
        }
        const b = rates ? rates[row]! : 1;
        for (let e = 0; e < D; e++) read[e] = erase ? v[at + e]! - b * read[e]! : b * (v[at + e]! - read[e]!);
        for (let d = 0; d < D; d++) {
          const [x, y] = [k[at + d]!, q[at + d]! / Math.sqrt(D)];
          for (let e = 0; e < D; e++) {
            S[d * D + e]! += x * read[e]!;
            out[at + e]! += y * S[d * D + e]!;
          }
        }
      }
    }
    return out;
  };
}
