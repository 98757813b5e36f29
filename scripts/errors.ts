/**
 * Judges every kernel against its pages in both targets and writes how much of the error budget each has used to
 * `docs/data/errors.json`, from where the documentation takes it.
 *
 *     node --import tsx scripts/errors.ts [text in the id]
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { catalogue } from "../spec/catalogue.ts";
import type { AnyMechanism } from "../spec/page.ts";
import { conforms, type Kernel } from "../src/oracle.ts";
import { alternatives, type Implementation, implementations } from "../src/pages.ts";
import { kernelFiles } from "../src/wasm/load.ts";
import { hasRelaxedSimd, load } from "../src/wasm.ts";
import { cache, compileKernels } from "./kernels.ts";
import { root } from "./pages.ts";

const [filter = ""] = process.argv.slice(2);
const drawings = [
  { cases: 100, largest: 5 },
  { cases: 12, largest: 17 },
];

// Node 20 has relaxed SIMD behind this flag.
setFlagsFromString("--experimental-wasm-relaxed-simd");
await compileKernels(cache);
const files = kernelFiles();
const targets = await Promise.all(
  (hasRelaxedSimd() ? (["simd", "relaxed"] as const) : (["simd"] as const)).map(
    async (target) => [target, await load({ url: files[target] })] as const,
  ),
);
const kinds: Readonly<Record<string, Readonly<Record<string, unknown>>>> = { WebAssembly: implementations };
const others = Object.entries(alternatives).map(([name, pages]) => [`WebAssembly, ${name}`, pages] as const);

const path = join(root, "docs/data/errors.json");
const rows: Record<string, (string | number)[][]> = {};
const wrong: string[] = [];
for (const [name, pages] of [...Object.entries(kinds), ...others])
  for (const [id, implementation] of Object.entries(pages)) {
    if (!id.includes(filter)) continue;
    const page = (await catalogue[id as keyof typeof catalogue]()) as AnyMechanism;
    for (const [target, kernels] of targets) {
      let [share, judged] = [0, 0];
      for (const drawing of drawings) {
        const kernel = (implementation as Implementation<AnyMechanism>)(kernels) as Kernel<AnyMechanism>;
        const verdict = await conforms(page, kernel, { ...drawing, seed: 3 });
        if (!verdict.conforms) wrong.push(`${name}, ${target}: ${verdict}`);
        share = Math.max(share, verdict.share);
        judged += verdict.judged;
      }
      rows[id] = [...(rows[id] ?? []), [name, target, `${(100 * share).toFixed(0)} %`, judged]];
      console.error(`${id} ${name} ${target}: ${(100 * share).toFixed(0)} % of the budget, ${judged} cases`);
    }
  }

if (wrong.length) throw new Error(wrong.join("\n"));
const before = filter ? (JSON.parse(readFileSync(path, "utf8")) as { pages: typeof rows }).pages : {};
const pages = Object.fromEntries(Object.entries({ ...before, ...rows }).sort(([a], [b]) => (a < b ? -1 : 1)));
mkdirSync(join(root, "docs/data"), { recursive: true });
writeFileSync(
  path,
  `${JSON.stringify(
    {
      title: "Error of the kernels",
      note: "The largest error of cases drawn from the page's declaration, as a share of what a straightforward float32 evaluation may err there.",
      columns: ["Kernel", "Target", "Largest error", "Cases"],
      pages,
    },
    null,
    1,
  )}\n`,
);
