/** Node, Deno and Bun: the kernels find their own files. */
import { load } from "attnspec/wasm";
import { smoke } from "./smoke.mjs";

const start = performance.now();
const kernels = await load();
const one = { shape: [1, 1], data: Float32Array.of(1) };
kernels.matmul(one, one);
const cold = performance.now() - start;
console.log(`${await smoke(kernels)}; first call after ${cold.toFixed(1)} ms`);
