import type { Floats } from "../../wasm/tensor.ts";
import type { Contest, Contests, Ring } from "../contest.ts";
import { attentionLoops, straight } from "../rivals/loops.ts";

interface Shape {
  readonly tokens: number;
  readonly width: number;
  readonly heads: number;
  readonly keyHeads: number;
  readonly causal: boolean;
}

export const attention: Contests = async (ring) => {
  const usual = { heads: 8, keyHeads: 8, width: 64 };
  const shapes: Shape[] = [256, 1024, 4096].flatMap((tokens) =>
    [false, true].map((causal) => ({ ...usual, tokens, causal })),
  );
  shapes.push({ ...usual, tokens: 1024, width: 128, causal: false });
  shapes.push({ ...usual, tokens: 1024, keyHeads: 2, causal: false });
  shapes.push({ ...usual, tokens: 16384, heads: 1, keyHeads: 1, causal: true });
  const contests: Contest[] = [];
  for (const shape of shapes) contests.push(await contest(ring, shape));
  return contests;
};

async function contest(ring: Ring, shape: Shape): Promise<Contest> {
  const { kernels, drawn, blank } = ring;
  const { tokens: n, width, heads, keyHeads, causal } = shape;
  const [q, k, v, into] = [
    drawn(heads, n, width),
    drawn(keyHeads, n, width),
    drawn(keyHeads, n, width),
    blank(heads, n, width),
  ];
  const kind = [width === 64 ? "" : ` D=${width}`, keyHeads === heads ? "" : ` ${heads}/${keyHeads} heads`];
  return {
    name: `attention ${n}${kind.join("")}${causal ? " causal" : ""}`,
    page: "core/flash-attention",
    operations: 4 * heads * width * (causal ? (n * (n + 1)) / 2 : n * n),
    ours: () => kernels.attention(q, k, v, { causal, into }).out,
    rivals: {
      loops: n <= 256 ? straight(attentionLoops(causal), q, k, v) : undefined,
      "onnxruntime-web": keyHeads === heads && n <= 4096 ? await graph(ring, { q, k, v }, causal) : undefined,
      "tfjs-backend-wasm": keyHeads === heads && n <= 1024 && !causal ? perHead(ring, q, k, v) : undefined,
    },
  };
}

/** Scores, mask, softmax and values as a graph of its own operations, which is the fastest it has. */
function graph({ onnx }: Ring, { q, k, v }: Record<"q" | "k" | "v", Floats>, causal: boolean) {
  const [, n, width] = q.shape as [number, number, number];
  const factor = { shape: [1], data: Float32Array.of(1 / Math.sqrt(width)) };
  const mask = causal && {
    shape: [n, n],
    data: Float32Array.from({ length: n * n }, (_, i) => (i % n > Math.floor(i / n) ? -1e9 : 0)),
  };
  return onnx?.(
    [
      { inputs: ["q", "factor"], output: "scaled", op: "Mul" },
      { inputs: ["k"], output: "turned", op: "Transpose", perm: [0, 2, 1] },
      { inputs: ["scaled", "turned"], output: "scores", op: "MatMul" },
      ...(causal ? [{ inputs: ["scores", "mask"], output: "masked", op: "Add" }] : []),
      { inputs: [causal ? "masked" : "scores"], output: "weights", op: "Softmax" },
      { inputs: ["weights", "v"], output: "out", op: "MatMul" },
    ],
    { q, k, v, factor, ...(mask ? { mask } : {}) },
    q.shape,
  );
}

/** Head by head in two dimensions: its product of more, with a turned operand, is a slow path. */
function perHead({ tensorflow: tf }: Ring, q: Floats, k: Floats, v: Floats) {
  if (!tf) return undefined;
  const [heads, n, width] = q.shape as [number, number, number];
  const head = (t: Floats, h: number) =>
    tf.put({ shape: [n, width], data: t.data.subarray(h * n * width, (h + 1) * n * width) });
  const all = Array.from({ length: heads }, (_, h) => [head(q, h), head(k, h), head(v, h)] as const);
  return () => {
    const out = new Float32Array(heads * n * width);
    all.forEach(([x, y, z], h) => {
      const scores = () => tf.softmax(tf.mul(tf.matMul(x, y, false, true), 1 / Math.sqrt(width)));
      out.set(
        tf.read(() => tf.matMul(scores(), z)),
        h * n * width,
      );
    });
    return out;
  };
}
