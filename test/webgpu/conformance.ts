/** Judges every page that a family of kernels claims to implement on the GPU, within the budget of each case. */
import { describe, expect, test } from "vitest";
import { catalogue } from "../../spec/catalogue.ts";
import type { AnyMechanism } from "../../spec/page.ts";
import { type ConformsOptions, conforms, type Kernel } from "../../src/oracle.ts";
import type { Calls, Implementation } from "../../src/pages.ts";
import { hosted } from "../../src/webgpu/hosted.ts";
import { devices } from "./gpus.ts";

/** Sets of sizes (and options) that random small cases do not reach, by what they are for. */
export type Further<Id extends string> = Readonly<
  Record<string, Partial<Record<Id, ConformsOptions<AnyMechanism>["fixed"]>>>
>;

export function conformance<Id extends keyof typeof catalogue>(
  implementations: Readonly<Record<Id, unknown>>,
  further: Further<Id> = {},
  adapted: (kernels: Calls) => Calls = (kernels) => kernels,
  /** On which devices; the least limits alone where programs take long to compile. */
  on: readonly (typeof devices)[number][] = devices,
): void {
  describe.each(on)("$name", ({ name, gpu }) => {
    describe.each(Object.keys(implementations) as Id[])("%s", (id) => {
      const judge = async (options: ConformsOptions<AnyMechanism>) => {
        const page = (await catalogue[id]()) as AnyMechanism;
        const kernels = adapted(hosted(gpu) as Calls);
        const kernel = (implementations[id] as Implementation<AnyMechanism>)(kernels) as Kernel<AnyMechanism>;
        const verdict = await conforms(page, kernel, options);
        expect(verdict.conforms, String(verdict)).toBe(true);
        return `largest error ${(100 * verdict.share).toFixed(0)} % of the budget, ${verdict.judged} cases`;
      };
      // The programs of small cases are the same on both; compiling them is what takes the time.
      test.runIf(name === on[0]!.name)("small cases", async ({ annotate }) => {
        await annotate(await judge({ cases: 12 }));
      });
      test("larger cases", async ({ annotate }) => {
        await annotate(await judge({ cases: 2, largest: 33, seed: 7 }));
      });
      for (const [what, of] of Object.entries(further))
        test.runIf(of[id])(what, async ({ annotate }) => {
          await annotate(await judge({ cases: 2, fixed: of[id]! }));
        });
    });
  });
}
