/** The tiny models of `fixtures/`, each with what transformers makes of it in float64. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { readSafetensors } from "../../src/io.ts";
import { fromFolder, loadModel, type Model } from "../../src/models.ts";
import { allowance } from "../../src/oracle/budget.ts";
import { formats } from "../../src/oracle/precisions.ts";

const folder = new URL("./fixtures/", import.meta.url);

export const pathOf = (name: string): string => fileURLToPath(new URL(name, folder));
export const bytesOf = (name: string): Uint8Array<ArrayBuffer> => new Uint8Array(readFileSync(new URL(name, folder)));
export const names: readonly string[] = readdirSync(folder).sort();

export const open = (name: string): Promise<Model> => loadModel(fromFolder(pathOf(name)));

export interface Expected {
  /** [T, …] of float64, by name: `logits`, `out`, `hidden.0`, … */
  readonly tensors: Readonly<Record<string, Float64Array>>;
  readonly ids: readonly number[];
  readonly pixels: Float32Array | undefined;
  readonly greedy: readonly number[];
  /** How far float32 may stray: `allowance` times as far as transformers does, and no less than rounding the result. */
  budget(name: string): number;
}

export function expected(name: string): Expected {
  const { tensors, metadata } = readSafetensors(bytesOf(`${name}/expected.safetensors`), name);
  const errors = JSON.parse(metadata.float32!) as Record<string, number>;
  const reals = Object.fromEntries(
    Object.entries(tensors).flatMap(([key, { data }]) => (data instanceof Float64Array ? [[key, data]] : [])),
  );
  return {
    tensors: reals,
    ids: [...(tensors.ids?.data ?? [])],
    pixels: tensors.pixels?.data as Float32Array | undefined,
    greedy: [...(tensors.greedy?.data ?? [])],
    budget: (key) => {
      const scale = reals[key]!.reduce((top, value) => Math.max(top, Math.abs(value)), 0);
      return allowance * Math.max(errors[key]!, (scale * formats.float32.spacing) / 2);
    },
  };
}

/** The largest difference; infinite for NaN or another number of values. */
export function apart(actual: Float32Array, wanted: ArrayLike<number>): number {
  if (actual.length !== wanted.length) return Number.POSITIVE_INFINITY;
  let far = 0;
  for (let i = 0; i < actual.length; i++) {
    const difference = Math.abs(actual[i]! - wanted[i]!);
    if (!(difference <= far)) far = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
  }
  return far;
}
