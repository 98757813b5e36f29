/** Node, Deno and Bun: kernels and model find their own files. */
const start = performance.now();
const { load } = await import("attnspec/wasm");
const imported = performance.now();
const kernels = await load();
const one = { shape: [1, 1], data: Float32Array.of(1) };
kernels.matmul(one, one);
const called = performance.now();

const { embedded } = await import("attnspec/models");
const { smoke } = await import("./smoke.mjs");
const [said, written] = (await smoke(kernels, embedded())).split("\n");
const cold = `imported in ${(imported - start).toFixed(1)} ms, first kernel call ${(called - imported).toFixed(1)} ms later`;
console.log(`${said}; ${cold}\n${written}`);
