/** Every page that a kernel claims to implement, in both targets, within the budget measured on each case. */
import { describe, expect, test } from "vitest";
import { catalogue } from "../../spec/catalogue.ts";
import type { AnyMechanism } from "../../spec/page.ts";
import { type ConformsOptions, conforms, type Kernel } from "../../src/oracle.ts";
import { type Implementation, implementations } from "../../src/wasm/pages.ts";
import { targets } from "./targets.ts";

type Id = keyof typeof implementations;
const ids = Object.keys(implementations) as Id[];

/** Lengths that cross the blocks of 32 queries and of 256 keys, with remainders in every one. */
const long: Partial<Record<Id, Readonly<Record<string, number>>>> = {
  "core/scaled-dot-product-attention": { Tq: 37, Tk: 539, D: 13, E: 5 },
  "score/attention-sink-logit": { Hq: 2, Hk: 1, Tq: 35, Tk: 301, D: 9, E: 11 },
  "sparse/sliding-window-attention": { Tq: 43, Tk: 541, D: 7, E: 9 },
};

const wide: Partial<Record<Id, Readonly<Record<string, number>>>> = {
  "core/scaled-dot-product-attention": { Tq: 9, Tk: 11, D: 256, E: 251 },
  "heads/grouped-query-attention": { T: 5, M: 300, D: 5, E: 3, Mo: 9 },
};

for (const { name, runs, kernels } of targets)
  describe.skipIf(!runs)(name, () => {
    describe.each(ids)("%s", (id) => {
      const judge = async (options: ConformsOptions<AnyMechanism>) => {
        const page = (await catalogue[id]()) as AnyMechanism;
        const kernel = (implementations[id] as Implementation<AnyMechanism>)(kernels) as Kernel<AnyMechanism>;
        const verdict = await conforms(page, kernel, options);
        expect(verdict.conforms, String(verdict)).toBe(true);
        return `largest error ${(100 * verdict.share).toFixed(0)} % of the budget, ${verdict.judged} cases`;
      };
      test("small cases", async ({ annotate }) => {
        await annotate(await judge({ cases: 100 }));
      });
      test("larger cases", { timeout: 60_000 }, async ({ annotate }) => {
        await annotate(await judge({ cases: 4, largest: 33, seed: 7 }));
      });
      test.runIf(long[id])("long sequences", { timeout: 60_000 }, async ({ annotate }) => {
        await annotate(await judge({ cases: 3, fixed: { sizes: long[id]! } }));
      });
      test.runIf(wide[id])("wide heads", { timeout: 60_000 }, async ({ annotate }) => {
        await annotate(await judge({ cases: 4, fixed: { sizes: wide[id]! } }));
      });
    });
  });
