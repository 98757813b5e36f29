/** Judges every page that a family of kernels claims to implement, in both targets, within the budget of each case. */
import { describe, expect, test } from "vitest";
import { catalogue } from "../../spec/catalogue.ts";
import type { AnyMechanism } from "../../spec/page.ts";
import { type ConformsOptions, conforms, type Kernel } from "../../src/oracle.ts";
import type { Implementation } from "../../src/pages.ts";
import { targets } from "./targets.ts";

/** Sets of sizes (and options) that random small cases do not reach, by what they are for. */
export type Further<Id extends string> = Readonly<
  Record<string, Partial<Record<Id, ConformsOptions<AnyMechanism>["fixed"]>>>
>;

export function conformance<Id extends keyof typeof catalogue>(
  implementations: Readonly<Record<Id, unknown>>,
  further: Further<Id> = {},
  /** The largest length of larger cases, where 33 takes a page too long. */
  largest: Readonly<Record<string, number>> = {},
): void {
  for (const { name, runs, kernels } of targets)
    describe.skipIf(!runs)(name, () => {
      describe.each(Object.keys(implementations) as Id[])("%s", (id) => {
        const judge = async (options: ConformsOptions<AnyMechanism>) => {
          const page = (await catalogue[id]()) as AnyMechanism;
          const kernel = (implementations[id] as Implementation<AnyMechanism>)(kernels) as Kernel<AnyMechanism>;
          const verdict = await conforms(page, kernel, options);
          expect(verdict.conforms, String(verdict)).toBe(true);
          return `largest error ${(100 * verdict.share).toFixed(0)} % of the budget, ${verdict.judged} cases`;
        };
        test("small cases", { timeout: 60_000 }, async ({ annotate }) => {
          await annotate(await judge({ cases: 100 }));
        });
        test("larger cases", { timeout: 60_000 }, async ({ annotate }) => {
          await annotate(await judge({ cases: 4, largest: largest[id] ?? 33, seed: 7 }));
        });
        for (const [what, of] of Object.entries(further))
          test.runIf(of[id])(what, { timeout: 60_000 }, async ({ annotate }) => {
            await annotate(await judge({ cases: 3, fixed: of[id]! }));
          });
      });
    });
}
