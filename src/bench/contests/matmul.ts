import type { Contests } from "../contest.ts";
import { matmulLoops, straight } from "../rivals/loops.ts";

export const matmul: Contests = async ({ kernels, drawn, blank, onnx, tensorflow }) => {
  const contests = [];
  for (const n of [64, 256, 512, 1024]) {
    const [a, b, into] = [drawn(n, n), drawn(n, n), blank(n, n)];
    const held = tensorflow && { a: tensorflow.put(a), b: tensorflow.put(b) };
    contests.push({
      name: `matmul ${n}`,
      operations: 2 * n ** 3,
      ours: () => kernels.matmul(a, b, { into }),
      rivals: {
        loops: n <= 256 ? straight(matmulLoops, a, b) : undefined,
        "onnxruntime-web": await onnx?.([{ inputs: ["a", "b"], output: "out", op: "MatMul" }], { a, b }, [n, n]),
        "tfjs-backend-wasm": held && (() => tensorflow!.read(() => tensorflow!.matMul(held.a, held.b))),
      },
    });
  }
  return contests;
};
