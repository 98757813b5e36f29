import type { Kernels } from "../../wasm/load.ts";
import type { WasmTensor } from "../../wasm/tensor.ts";
import type { Contest, Contests, Ring } from "../contest.ts";
import { composed } from "../rivals/composed.ts";

const heads = 8;
const chunk = 16;

/**
 * Multiplications and additions of a token in all heads, in chunks and without what a mask leaves of them: scores and
 * values of the keys of its chunk up to itself, reading the state, writing to it.
 */
const operations = (width: number): number => heads * ((chunk + 1) * 2 * width + 4 * width * width);

const pageOf = (channels: boolean) => (channels ? "linear/gated-linear-attention" : "linear/retention");

interface Task {
  readonly q: WasmTensor;
  readonly k: WasmTensor;
  readonly v: WasmTensor;
  /** Logarithms: [H], or [H, T, D]. */
  readonly gates: WasmTensor;
}

/** The recurrence in straight loops, from a state that it changes. */
function loops({ q, k, v, gates }: Task, state: Float32Array): Float32Array {
  const [, tokens, width] = q.shape as [number, number, number];
  const out = new Float32Array(q.data.length);
  const [queries, keys, values, logs] = [q.data, k.data, v.data, gates.data];
  for (let h = 0; h < heads; h++)
    for (let t = 0; t < tokens; t++) {
      const row = (h * tokens + t) * width;
      for (let d = 0; d < width; d++) {
        const factor = Math.exp(gates.shape.length === 1 ? logs[h]! : logs[row + d]!);
        const key = keys[row + d]!;
        const query = queries[row + d]!;
        const at = (h * width + d) * width;
        for (let e = 0; e < width; e++) {
          const value = factor * state[at + e]! + key * values[row + e]!;
          state[at + e] = value;
          out[row + e]! += query * value;
        }
      }
    }
  return out;
}

/** Softmax attention does another job: what it computes is not compared. */
const softmax = (kernels: Kernels, q: WasmTensor, k: WasmTensor, v: WasmTensor, into: WasmTensor) => () => {
  kernels.attention(q, k, v, { causal: true, into });
  return undefined;
};

function task({ drawn }: Ring, tokens: number, width: number, channels: boolean): Task {
  const [q, k, v] = [drawn(heads, tokens, width), drawn(heads, tokens, width), drawn(heads, tokens, width)];
  const gates = channels ? drawn(heads, tokens, width) : drawn(heads);
  // As gates of trained models are: a few hundredths.
  gates.data.forEach((x, i) => {
    gates.data[i] = -Math.abs(x) / 32;
  });
  return { q, k, v, gates };
}

async function prefill(ring: Ring, tokens: number, width: number, channels: boolean): Promise<Contest> {
  const { kernels, blank } = ring;
  const of = task(ring, tokens, width, channels);
  const [into, stateInto, other] = [
    blank(heads, tokens, width),
    blank(heads, width, width),
    blank(heads, tokens, width),
  ];
  const { q, k, v, gates } = of;
  return {
    name: `linear attention, a gate a ${channels ? "channel" : "head"}, prefill ${tokens}, width ${width}`,
    page: pageOf(channels),
    operations: tokens * operations(width),
    ours: () => kernels.linearAttention(q, k, v, { gates, chunk, into, stateInto }).out,
    rivals:
      tokens > 4096
        ? {}
        : {
            "straight loops": () => loops(of, new Float32Array(heads * width * width)),
            "our softmax attention, causal": softmax(kernels, q, k, v, other),
            "onnxruntime-web, composed": await composed(ring.onnx, of),
          },
  };
}

/** One token after 4096 others. */
function decode(ring: Ring, width: number, channels: boolean): Contest {
  const { kernels, drawn, blank } = ring;
  const of = task(ring, 1, width, channels);
  const [state, after] = [drawn(heads, width, width), blank(heads, width, width)];
  const [into, other] = [blank(heads, 1, width), blank(heads, 1, width)];
  const [keys, values] = [drawn(heads, 4096, width), drawn(heads, 4096, width)];
  const { q, k, v, gates } = of;
  return {
    name: `linear attention, a gate a ${channels ? "channel" : "head"}, decode, width ${width}`,
    page: pageOf(channels),
    operations: heads * 5 * width * width,
    bytes: 4 * heads * width * width,
    ours: () => kernels.linearAttention(q, k, v, { gates, state, into, stateInto: after }).out,
    rivals: {
      "straight loops": () => loops(of, state.data.slice()),
      "our softmax attention, 4096 keys": softmax(kernels, q, keys, values, other),
    },
  };
}

/** Prefill and decode beside the recurrence as it is written, softmax attention, and a graph of products. */
export const linear: Contests = async (ring) => {
  const contests: Contest[] = [];
  for (const channels of [false, true])
    for (const width of [64, 128]) {
      for (const tokens of [256, 1024, 4096, 16384]) contests.push(await prefill(ring, tokens, width, channels));
      contests.push(decode(ring, width, channels));
    }
  return contests;
};
