/**
 * Judges every page on the GPU of this machine, where there is no test runner: a driver of Vulkan, Node and the package
 * `webgpu` are enough.
 *
 *     npx esbuild test/webgpu/card/card.ts --bundle --platform=node --format=esm --external:webgpu --outfile=card.mjs
 *     node card.mjs [family or id …]
 *
 * `DAWN` may name the addon (`dawn.node`) itself, `FEATURES` toggles of Dawn: on NVIDIA's cards shader-f16 needs
 * `allow_unsafe_apis,vulkan_enable_f16_on_nvidia`. Where there is shader-f16, softmax attention is judged in float16 too, and
 * where there are matrix units, in two numbers of float16 for one, within the budget of float32.
 */
import { createRequire } from "node:module";
import { catalogue } from "../../../spec/catalogue.ts";
import type { AnyMechanism } from "../../../spec/page.ts";
import { conforms, type Kernel } from "../../../src/oracle.ts";
import { alternatives, type Calls, type Implementation } from "../../../src/pages.ts";
import { families } from "../../../src/webgpu/pages.ts";
import { hosted, open } from "../../../src/webgpu.ts";

const { create, globals } = createRequire(import.meta.url)(process.env.DAWN ?? "webgpu");
Object.assign(globalThis, globals);
const toggles = process.env.FEATURES ? [`enable-dawn-features=${process.env.FEATURES}`] : [];
const instance = create(toggles) as GPU;
const gpu = await open({ gpu: instance });
const { half, matrices } = gpu.device;
console.log(gpu.info.vendor, gpu.info.description, half ? "float16" : "", matrices ? JSON.stringify(matrices) : "");
const wanted = process.argv.slice(2);
let failed = 0;
const calls = hosted(gpu) as Calls;
const inPrecision = (precision: "float16" | "float16x2") =>
  ({
    ...calls,
    matmul: (a: never, b: never, options = {}) => calls.matmul(a, b, { ...options, precision } as never),
    attention: (q: never, k: never, v: never, options = {}) =>
      calls.attention(q, k, v, { ...options, precision } as never),
  }) as Calls;
const softmax = { softmax: families.softmax };
const cases = [{ cases: 60 }, { cases: 8, largest: 33, seed: 7 }];
// Matrix units take enough queries, keys and columns only.
const large = [...cases, { cases: 8, largest: 90, seed: 5 }];
const runs = [
  { name: "float32", dtype: "float32", of: calls, families: { ...families, ...alternatives }, all: cases },
  ...(half
    ? [{ name: "float16", dtype: "float16", of: inPrecision("float16"), families: softmax, all: large } as const]
    : []),
  ...(matrices
    ? [{ name: "float16x2", dtype: "float32", of: inPrecision("float16x2"), families: softmax, all: large } as const]
    : []),
] as const;
for (const { name, dtype, of, families, all } of runs)
  for (const [family, pages] of Object.entries(families))
    for (const [id, implementation] of Object.entries(pages)) {
      if (wanted.length && !wanted.includes(family) && !wanted.includes(id)) continue;
      const page = (await catalogue[id as keyof typeof catalogue]()) as AnyMechanism;
      const kernel = (implementation as Implementation<AnyMechanism>)(of) as Kernel<AnyMechanism>;
      for (const one of all) {
        const options = { ...one, dtype };
        try {
          const verdict = await conforms(page, kernel, options);
          if (!verdict.conforms) failed++;
          const share = `${(100 * verdict.share).toFixed(0)} % of the budget, ${verdict.judged} cases`;
          console.log(verdict.conforms ? "conforms" : "FAILS", name, family, id, share);
          if (!verdict.conforms) console.log(String(verdict));
        } catch (error) {
          failed++;
          console.log("FAILS", name, family, id, String(error).slice(0, 500));
        }
      }
    }
console.log(failed ? `${failed} failed` : "all conform");
gpu.close();
setTimeout(() => process.exit(failed ? 1 : 0), 200);
