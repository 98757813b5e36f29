/** The pictures of all pages, drawn on two threads and kept by the hash of what they follow from. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { build } from "esbuild";
import { root } from "../../scripts/pages.ts";
import type { Picture } from "./picture.ts";

export const captured = join(root, "src/cli/tour-data/minilm-layer.safetensors");
const cache = join(root, "node_modules/.cache/docs/pictures");

const filesIn = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .sort()
    .map((name) => join(root, folder, name));
const hashOf = (paths: readonly string[], seed = ""): string =>
  paths.reduce((hash, path) => hash.update(readFileSync(path)), createHash("sha256").update(seed)).digest("hex");

/** The picture of every page, by id. Nothing is left blank: a page without a picture is an error. */
export async function gallery(ids: readonly string[], threads = 2): Promise<Map<string, Picture>> {
  mkdirSync(cache, { recursive: true });
  const shared = hashOf([...filesIn("spec/page"), ...filesIn("src/oracle"), ...filesIn("docs/picture"), captured]);
  const family = new Map<string, string>();
  const keyOf = (id: string): string => {
    const name = id.split("/")[0]!;
    // A page may import one of its family.
    if (!family.has(name))
      family.set(name, hashOf(filesIn(`spec/${name}`).filter((path) => /from "\.\//.test(readFileSync(path, "utf8")))));
    return hashOf([join(root, "spec", `${id}.ts`)], shared + family.get(name));
  };
  const kept = new Map(ids.map((id) => [id, join(cache, `${keyOf(id).slice(0, 40)}.json`)]));
  const missing = ids.filter((id) => !existsSync(kept.get(id)!));
  let next = 0;
  const script = join(cache, "worker.mjs");
  if (missing.length)
    await build({
      entryPoints: [join(root, "docs/picture/worker.ts")],
      outfile: script,
      bundle: true,
      platform: "node",
      format: "esm",
    });
  const work = async (): Promise<void> => {
    const worker = new Worker(script, { workerData: captured });
    try {
      while (next < missing.length) {
        const id = missing[next++]!;
        const answer = await new Promise<{ picture?: Picture; error?: string }>((resolve, reject) => {
          worker.removeAllListeners().once("message", resolve).once("error", reject);
          worker.postMessage(id);
        });
        if (!answer.picture)
          throw new Error(
            `${id} has no picture: ${answer.error ?? "nothing it computes on the fixed input shows anything"}`,
          );
        writeFileSync(kept.get(id)!, JSON.stringify(answer.picture, infinite));
      }
    } finally {
      await worker.terminate();
    }
  };
  if (missing.length) await Promise.all(Array.from({ length: Math.min(threads, missing.length) }, work));
  return new Map(ids.map((id) => [id, JSON.parse(readFileSync(kept.get(id)!, "utf8"), finite) as Picture]));
}
/** JSON has no infinity; options have. */
const infinite = (_: string, value: unknown): unknown =>
  value === Number.POSITIVE_INFINITY
    ? "\u221e"
    : value === Number.NEGATIVE_INFINITY
      ? "-\u221e"
      : typeof value === "number" && !Number.isInteger(value)
        ? Number(value.toPrecision(6))
        : value;
const finite = (_: string, value: unknown): unknown =>
  value === "\u221e" ? Number.POSITIVE_INFINITY : value === "-\u221e" ? Number.NEGATIVE_INFINITY : value;
