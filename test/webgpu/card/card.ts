/**
 * Judges every page on the GPU of this machine, where there is no test runner: a driver of Vulkan, Node and the package
 * `webgpu` are enough.
 *
 *     npx esbuild test/webgpu/card/card.ts --bundle --platform=node --format=esm --external:webgpu --outfile=card.mjs
 *     node card.mjs [family or id …]
 *
 * `DAWN` may name the addon (`dawn.node`) itself.
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
const gpu = await open({ gpu: create([]) as GPU });
console.log(gpu.info.vendor, gpu.info.architecture, gpu.info.description);
const wanted = process.argv.slice(2);
let failed = 0;
for (const [family, pages] of Object.entries({ ...families, ...alternatives }))
  for (const [id, implementation] of Object.entries(pages)) {
    if (wanted.length && !wanted.includes(family) && !wanted.includes(id)) continue;
    const page = (await catalogue[id as keyof typeof catalogue]()) as AnyMechanism;
    const kernel = (implementation as Implementation<AnyMechanism>)(hosted(gpu) as Calls) as Kernel<AnyMechanism>;
    for (const options of [{ cases: 60 }, { cases: 8, largest: 33, seed: 7 }]) {
      try {
        const verdict = await conforms(page, kernel, options);
        if (!verdict.conforms) failed++;
        const share = `${(100 * verdict.share).toFixed(0)} % of the budget, ${verdict.judged} cases`;
        console.log(verdict.conforms ? "conforms" : "FAILS", family, id, share);
        if (!verdict.conforms) console.log(String(verdict));
      } catch (error) {
        failed++;
        console.log("FAILS", family, id, String(error).slice(0, 500));
      }
    }
  }
console.log(failed ? `${failed} failed` : "all conform");
gpu.close();
setTimeout(() => process.exit(failed ? 1 : 0), 200);
