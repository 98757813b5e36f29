/**
 * The WebAssembly kernels beside straight loops in JavaScript and, if it is installed, onnxruntime-web: interleaved, one
 * thread, medians over rounds in several processes, and the share of what a loop over registers alone reaches there.
 *
 *     node --import tsx test/bench/wasm.ts [--processes 5] [--rounds 9]
 *
 * On Node 20 `--experimental-wasm-relaxed-simd` before it brings the relaxed target. The peer is looked for in the folder
 * ATTNSPEC_PEERS (where `npm i onnxruntime-web` was run) or beside this package. A table goes to stderr, JSON to stdout.
 * Ratios and shares can be compared, times only on the same idle machine.
 */
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { compileKernels } from "../../scripts/kernels.ts";
import { root } from "../../scripts/pages.ts";
import { random } from "../../src/oracle.ts";
import { type Floats, load, type WasmTensor } from "../../src/wasm.ts";

/** One thing to compute, by everyone who can. */
interface Contest {
  readonly name: string;
  /** Multiplications and additions it takes. */
  readonly operations: number;
  readonly ours: () => Floats;
  /** Straight loops; left out where they would take seconds. */
  readonly loops?: (() => Float32Array) | undefined;
  readonly onnx?: (() => Promise<Float32Array>) | undefined;
}
interface Line {
  readonly name: string;
  readonly gflops: number;
  /** Share of the peak measured in the same process. */
  readonly ofPeak: number;
  /** Their time over ours. */
  readonly loops: number | null;
  readonly onnx: number | null;
}

const [heads, width] = [8, 64];

function matmulLoops({ shape: [M, K], data: a }: Floats, { shape: [, N], data: b }: Floats): Float32Array {
  const out = new Float32Array(M! * N!);
  for (let i = 0; i < M!; i++)
    for (let d = 0; d < K!; d++) {
      const x = a[i * K! + d]!;
      for (let j = 0; j < N!; j++) out[i * N! + j]! += x * b[d * N! + j]!;
    }
  return out;
}

function attentionLoops(
  { shape, data: q }: Floats,
  { data: k }: Floats,
  { data: v }: Floats,
  causal: boolean,
): Float32Array {
  const [H, T, D] = shape as [number, number, number];
  const out = new Float32Array(q.length);
  const weights = new Float32Array(T);
  for (let h = 0; h < H; h++)
    for (let t = 0; t < T; t++) {
      const end = causal ? t + 1 : T;
      let top = Number.NEGATIVE_INFINITY;
      for (let s = 0; s < end; s++) {
        let score = 0;
        for (let d = 0; d < D; d++) score += q[(h * T + t) * D + d]! * k[(h * T + s) * D + d]!;
        weights[s] = score / Math.sqrt(D);
        top = Math.max(top, weights[s]!);
      }
      let total = 0;
      for (let s = 0; s < end; s++) {
        weights[s] = Math.exp(weights[s]! - top);
        total += weights[s]!;
      }
      for (let s = 0; s < end; s++) {
        const p = weights[s]! / total;
        for (let d = 0; d < D; d++) out[(h * T + t) * D + d]! += p * v[(h * T + s) * D + d]!;
      }
    }
  return out;
}

/** The part of onnxruntime-web that is used. */
interface Ort {
  readonly env: { readonly wasm: { numThreads: number }; logLevel: string };
  readonly Tensor: new (type: "float32", data: Float32Array, shape: readonly number[]) => unknown;
  readonly InferenceSession: {
    create(
      model: Uint8Array,
      options: object,
    ): Promise<{ run(inputs: object): Promise<Record<string, { readonly data: Float32Array }>> }>;
  };
}

async function peer(): Promise<Ort | undefined> {
  const from = process.env.ATTNSPEC_PEERS ? join(process.env.ATTNSPEC_PEERS, "package.json") : import.meta.url;
  let path: string;
  try {
    path = createRequire(from).resolve("onnxruntime-web");
  } catch {
    return undefined;
  }
  const imported = (await import(pathToFileURL(path).href)) as Ort & { readonly default?: Ort };
  const ort = imported.InferenceSession ? imported : imported.default!;
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = "error";
  return ort;
}

/** Fields of a protocol buffer: numbers as varints, text and bytes with their length. */
function proto(...fields: readonly (readonly [number, number | string | Uint8Array])[]): Uint8Array {
  const length = (n: number): number[] => (n < 128 ? [n] : [(n & 127) | 128, ...length(n >> 7)]);
  return Uint8Array.from(
    fields.flatMap(([field, value]) => {
      if (typeof value === "number") return [...length(field << 3), ...length(value)];
      const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value;
      return [...length((field << 3) | 2), ...length(bytes.length), ...bytes];
    }),
  );
}

/** An ONNX model: nodes, and the names and shapes of what goes in and out. */
function model(
  nodes: readonly { inputs: readonly string[]; output: string; op: string; perm?: readonly number[] }[],
  inputs: Readonly<Record<string, readonly number[]>>,
  outputs: Readonly<Record<string, readonly number[]>>,
): Uint8Array {
  const value = (name: string, shape: readonly number[]) => {
    const lengths = proto(...shape.map((n) => [1, proto([1, n])] as const));
    return proto([1, name], [2, proto([1, proto([1, 1], [2, lengths])])]);
  };
  const graph = proto(
    ...nodes.map(({ inputs: names, output, op, perm }) => {
      const attribute = perm && proto([1, "perm"], ...perm.map((axis) => [8, axis] as const), [20, 7]);
      const ends = names.map((name) => [1, name] as const);
      return [1, proto(...ends, [2, output], [4, op], ...(attribute ? [[5, attribute] as const] : []))] as const;
    }),
    [2, "bench"],
    ...Object.entries(inputs).map(([name, shape]) => [11, value(name, shape)] as const),
    ...Object.entries(outputs).map(([name, shape]) => [12, value(name, shape)] as const),
  );
  return proto([1, 8], [7, graph], [8, proto([2, 17])]);
}

async function session(ort: Ort, bytes: Uint8Array, inputs: Readonly<Record<string, Floats>>) {
  const started = await ort.InferenceSession.create(bytes, { executionProviders: ["wasm"] });
  const tensors = Object.fromEntries(
    Object.entries(inputs).map(([name, t]) => [name, new ort.Tensor("float32", t.data.slice(), t.shape)]),
  );
  return async () => (await started.run(tensors)).out!.data;
}

/** A call with copies of tensors as plain arrays, so that the loops read no accessor. */
function straight<X extends readonly Floats[]>(body: (...inputs: X) => Float32Array, ...inputs: X): () => Float32Array {
  const copies = inputs.map(({ shape, data }) => ({ shape, data: data.slice() })) as readonly Floats[] as X;
  return () => body(...copies);
}

const median = (values: readonly number[]): number => [...values].sort((x, y) => x - y)[values.length >> 1]!;

async function once(rounds: number): Promise<{ target: string; peak: number; lines: Line[] }> {
  const kernels = await load();
  const ort = await peer();
  const source = random(1);
  const region = kernels.region();
  const drawn = (...shape: number[]): WasmTensor => {
    const t = region.tensor(shape);
    for (let i = 0; i < t.data.length; i++) t.data[i] = source.normal();
    return t;
  };
  const contests: Contest[] = [];
  for (const n of [64, 256, 512, 1024]) {
    const [a, b, into] = [drawn(n, n), drawn(n, n), region.tensor([n, n])];
    const bytes = model(
      [{ inputs: ["a", "b"], output: "out", op: "MatMul" }],
      { a: [n, n], b: [n, n] },
      { out: [n, n] },
    );
    contests.push({
      name: `matmul ${n}`,
      operations: 2 * n ** 3,
      ours: () => kernels.matmul(a, b, { into }),
      loops: n <= 256 ? straight(matmulLoops, a, b) : undefined,
      onnx: ort && (await session(ort, bytes, { a, b })),
    });
  }
  for (const n of [256, 1024])
    for (const causal of [false, true]) {
      const shape = [heads, n, width];
      const [q, k, v, into] = [drawn(...shape), drawn(...shape), drawn(...shape), region.tensor(shape)];
      const factor = { shape: [1], data: Float32Array.of(1 / Math.sqrt(width)) };
      const hidden = Float32Array.from({ length: n * n }, (_, i) => (i % n > Math.floor(i / n) ? -1e9 : 0));
      const inputs = { q, k, v, factor, ...(causal ? { mask: { shape: [n, n], data: hidden } } : {}) };
      const bytes = model(
        [
          { inputs: ["q", "factor"], output: "scaled", op: "Mul" },
          { inputs: ["k"], output: "turned", op: "Transpose", perm: [0, 2, 1] },
          { inputs: ["scaled", "turned"], output: "scores", op: "MatMul" },
          ...(causal ? [{ inputs: ["scores", "mask"], output: "masked", op: "Add" }] : []),
          { inputs: [causal ? "masked" : "scores"], output: "weights", op: "Softmax" },
          { inputs: ["weights", "v"], output: "out", op: "MatMul" },
        ],
        Object.fromEntries(Object.entries(inputs).map(([name, t]) => [name, t.shape])),
        { out: shape },
      );
      contests.push({
        name: `attention ${n}${causal ? " causal" : ""}`,
        operations: 4 * heads * width * (causal ? (n * (n + 1)) / 2 : n * n),
        ours: () => kernels.attention(q, k, v, { causal, into }).out,
        loops: n <= 256 ? straight((...x) => attentionLoops(...x, causal), q, k, v) : undefined,
        onnx: ort && (await session(ort, bytes, inputs)),
      });
    }
  const registers = region.tensorOf({ shape: [8], data: [0.1, 0.1, 0.1, 0.1, 0.5, 0.5, 0.5, 0.5] });
  const timed = async <T>(body: () => T | Promise<T>): Promise<[number, T]> => {
    const start = performance.now();
    const result = await body();
    return [performance.now() - start, result];
  };
  const agree = (name: string, x: Float32Array, y: Float32Array) => {
    for (let i = 0; i < x.length; i++)
      if (!(Math.abs(x[i]! - y[i]!) < 1e-3)) throw new Error(`${name}: the two disagree at ${i}: ${x[i]} and ${y[i]}`);
  };
  const burst = 20_000;
  const peaks: number[] = [];
  const lines: Line[] = [];
  for (const { name, operations, ours, loops, onnx } of contests) {
    const times: { ours: number; loops?: number; onnx?: number; peak: number }[] = [];
    for (let i = 0; i < rounds + 3; i++) {
      const [peak] = await timed(() => kernels.exports.peak(burst, registers.address));
      const [us, result] = await timed(ours);
      const js = loops && (await timed(loops));
      const theirs = onnx && (await timed(onnx));
      if (js) agree(`${name}, loops`, js[1], result.data);
      if (theirs) agree(`${name}, onnxruntime-web`, theirs[1], result.data);
      // The first rounds are the compilers'.
      if (i < 3) continue;
      times.push({
        ours: us,
        peak: (96 * burst) / peak / 1e6,
        ...(js && { loops: js[0] }),
        ...(theirs && { onnx: theirs[0] }),
      });
    }
    const top = Math.max(...times.map((t) => t.peak));
    peaks.push(top);
    const gflops = operations / median(times.map((t) => t.ours)) / 1e6;
    const over = (key: "loops" | "onnx") =>
      times[0]![key] === undefined ? null : median(times.map((t) => t[key]! / t.ours));
    lines.push({ name, gflops, ofPeak: gflops / top, loops: over("loops"), onnx: over("onnx") });
  }
  region.release();
  return { target: kernels.target, peak: Math.max(...peaks), lines };
}

const argument = (name: string, fallback: number): number => {
  const place = process.argv.indexOf(`--${name}`);
  return place < 0 ? fallback : Number(process.argv[place + 1]);
};

if (process.argv.includes("--once")) console.log(JSON.stringify(await once(argument("rounds", 9))));
else {
  await compileKernels(join(root, "node_modules/.cache/attnspec"));
  const rounds = String(argument("rounds", 9));
  const runs = Array.from({ length: argument("processes", 5) }, () => {
    const call = [...process.execArgv, fileURLToPath(import.meta.url), "--once", "--rounds", rounds];
    return JSON.parse(execFileSync(process.execPath, call, { encoding: "utf8" })) as Awaited<ReturnType<typeof once>>;
  });
  const { target, lines } = runs[0]!;
  const all = lines.map(({ name }, i) => {
    const spread = (key: Exclude<keyof Line, "name">) => {
      const values = runs.map((run) => run.lines[i]![key]).filter((value) => value !== null);
      return values.length ? { median: median(values), least: Math.min(...values), most: Math.max(...values) } : null;
    };
    return { name, gflops: spread("gflops"), ofPeak: spread("ofPeak"), loops: spread("loops"), onnx: spread("onnx") };
  });
  console.log(JSON.stringify({ node: process.version, target, peak: median(runs.map((run) => run.peak)), lines: all }));
  console.error(`Node ${process.version}, ${target}, medians of ${runs.length} processes; their time over ours`);
  console.error("                        GFLOP/s  of peak    loops  onnxruntime-web");
  const shown = (value: { median: number } | null, digits: number, unit = "") =>
    (value ? value.median.toFixed(digits) + unit : "—").padStart(9);
  for (const { name, gflops, ofPeak, loops, onnx } of all) {
    const percent = ofPeak && { median: 100 * ofPeak.median };
    console.error(`${name.padEnd(22)}${shown(gflops, 1)}${shown(percent, 0, " %")}${shown(loops, 2)}${shown(onnx, 2)}`);
  }
}
