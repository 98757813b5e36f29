/** TensorFlow.js on one thread of its WebAssembly back end. */
import { join } from "node:path";
import type { Floats } from "../../wasm/tensor.ts";
import { find } from "./find.ts";

interface Tensor {
  dataSync(): Float32Array;
  dispose(): void;
}

/** The part of it that is used. */
export interface Tensorflow {
  tensor(data: Float32Array, shape: readonly number[]): Tensor;
  matMul(a: Tensor, b: Tensor, transposeA?: boolean, transposeB?: boolean): Tensor;
  mul(a: Tensor, b: number): Tensor;
  softmax(a: Tensor): Tensor;
  /** Computes a tensor, reads it, and frees all that it took. (A tidy that returned the array would walk through it.) */
  read(body: () => Tensor): Float32Array;
  /** Puts values there once, before the measurement. */
  put(values: Floats): Tensor;
}

interface Core extends Omit<Tensorflow, "put" | "read"> {
  tidy(body: () => Tensor): Tensor;
  setBackend(name: string): Promise<boolean>;
  ready(): Promise<void>;
}
interface Backend {
  setWasmPaths(folder: string): void;
  setThreadsCount(count: number): void;
}

export async function tensorflow(folder: string): Promise<Tensorflow | undefined> {
  const core = await find("@tensorflow/tfjs-core", folder);
  const backend = await find("@tensorflow/tfjs-backend-wasm", folder);
  if (!core || !backend) return undefined;
  const [tf, wasm] = [core.module as Core, backend.module as Backend];
  wasm.setWasmPaths(join(backend.folder, "/"));
  wasm.setThreadsCount(1);
  if (!(await tf.setBackend("wasm"))) return undefined;
  await tf.ready();
  return {
    ...tf,
    put: ({ shape, data }) => tf.tensor(data.slice(), shape),
    read(body) {
      const result = tf.tidy(body);
      const values = result.dataSync();
      result.dispose();
      return values;
    },
  };
}
