/** The page of merging partial results. */
import type { lseMerge } from "../../spec/core/lse-merge.ts";
import { type Implementation, numbers } from "./adapt.ts";

const parts: Implementation<typeof lseMerge> =
  (kernels) =>
  async ({ oParts, lseParts }) => {
    const [count, Tq, E] = oParts.shape as [number, number, number];
    if (count === 0) return { decline: "at least one part" };
    const results = Array.from({ length: count }, (_, p) => ({
      out: { shape: [1, Tq, E], data: numbers(oParts).slice(p * Tq * E, (p + 1) * Tq * E) },
      lse: { shape: [1, Tq], data: numbers(lseParts).slice(p * Tq, (p + 1) * Tq) },
    }));
    const { out, lse } = await kernels.merge(results);
    return { out: out.data, lse: lse.data };
  };

export const merge = { "core/lse-merge": parts } as const;
