/** onnxruntime-web, on one thread of its WebAssembly: a graph a job, written as the protocol buffer that it reads. */
import type { Floats } from "../../wasm/tensor.ts";
import type { Rival } from "../contest.ts";
import { find } from "./find.ts";

/** The part of it that is used. */
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

/** One operation of a graph: `out` is the graph's result. */
export interface Node {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly output: string;
  /** The order of axes of a Transpose. */
  readonly perm?: readonly number[];
}

/** A job for it: nodes, inputs by name, and the shape of `out`. */
export type Onnx = (
  nodes: readonly Node[],
  inputs: Readonly<Record<string, Floats>>,
  out: readonly number[],
) => Promise<Rival>;

export async function onnx(folder: string): Promise<Onnx | undefined> {
  const found = await find("onnxruntime-web", folder);
  if (!found) return undefined;
  const ort = found.module as Ort;
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = "error";
  return async (nodes, inputs, out) => {
    const bytes = model(nodes, inputs, out);
    const session = await ort.InferenceSession.create(bytes, { executionProviders: ["wasm"] });
    const tensors = Object.fromEntries(
      Object.entries(inputs).map(([name, t]) => [name, new ort.Tensor("float32", t.data.slice(), t.shape)]),
    );
    return async () => (await session.run(tensors)).out!.data;
  };
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

function model(nodes: readonly Node[], inputs: Readonly<Record<string, Floats>>, out: readonly number[]): Uint8Array {
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
    ...Object.entries(inputs).map(([name, t]) => [11, value(name, t.shape)] as const),
    [12, value("out", out)],
  );
  return proto([1, 8], [7, graph], [8, proto([2, 17])]);
}
