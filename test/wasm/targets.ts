/** The kernels of each target, started on poisoned memory; where the engine cannot run a target, the reason. */
import { readFileSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { hasRelaxedSimd, type Kernels, load } from "../../src/wasm.ts";

// Node 20 has relaxed SIMD behind this flag; later ones have it anyway.
if (process.version.startsWith("v20.")) setFlagsFromString("--experimental-wasm-relaxed-simd");

const bytesOf = (file: string) =>
  readFileSync(new URL(`../../node_modules/.cache/attnspec/${file}`, import.meta.url)) as Uint8Array<ArrayBuffer>;

export const plainBytes = bytesOf("kernels.wasm");
export const relaxedBytes = bytesOf("kernels.relaxed.wasm");

export const plain: Kernels = await load({ bytes: plainBytes, poison: true });

const relaxed: Kernels | undefined = hasRelaxedSimd() ? await load({ bytes: relaxedBytes, poison: true }) : undefined;

/** Name, whether the engine runs it, and the kernels (the plain ones where it does not). */
export const targets: readonly { readonly name: string; readonly runs: boolean; readonly kernels: Kernels }[] = [
  { name: "simd", runs: true, kernels: plain },
  {
    name: relaxed ? "relaxed" : "relaxed (the engine rejects it)",
    runs: relaxed !== undefined,
    kernels: relaxed ?? plain,
  },
];
