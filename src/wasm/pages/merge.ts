/** The page of merging partial results. */
import type { lseMerge } from "../../../spec/core/lse-merge.ts";
import { as, type Implementation } from "./adapt.ts";

const parts: Implementation<typeof lseMerge> =
  (kernels) =>
  ({ oParts, lseParts }) => {
    const [count, Tq, E] = oParts.shape as [number, number, number];
    if (count === 0) return { decline: "at least one part" };
    const results = Array.from({ length: count }, (_, p) => ({
      out: { shape: [1, Tq, E], data: as(oParts).data.slice(p * Tq * E, (p + 1) * Tq * E) },
      lse: { shape: [1, Tq], data: as(lseParts).data.slice(p * Tq, (p + 1) * Tq) },
    }));
    const { out, lse } = kernels.merge(results);
    return { out: out.data, lse: lse.data };
  };

export const merge = { "core/lse-merge": parts } as const;
