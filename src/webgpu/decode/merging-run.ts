import type { Binding, Device } from "../device.ts";
import { part } from "../parts.ts";
import type { GpuTensor } from "../tensor.ts";
import { type MergingProgram, mergingColumns4, mergingParams, mergingProgram } from "./merging.ts";

/** Where partial results stand, and where their whole goes. */
export interface Merging {
  readonly program: Pick<MergingProgram, "sums"> & { readonly vectors: boolean };
  readonly values: Binding;
  readonly stats: Binding;
  readonly at: Readonly<Record<"valuesPart" | "stats" | "statsRow" | "statsPart" | "parts", number>>;
  /** How far apart the values of two rows are; none: they stand as the result does. */
  readonly valuesRow?: number | undefined;
  /** The entries and heads that are merged, of all of `out`. */
  readonly entries: number;
  readonly heads: number;
  readonly firstEntry: number;
  readonly firstHead: number;
  readonly allHeads: number;
  readonly queries: number;
  readonly columns: number;
  readonly tokensFirst: boolean;
  readonly out: GpuTensor;
  readonly lse: GpuTensor;
  readonly sinks?: GpuTensor | undefined;
}

/** Merges partial results. */
export function runMerging(device: Device, merging: Merging): void {
  const { values, stats, at, entries, heads, firstEntry, firstHead, allHeads, queries, columns, out, lse } = merging;
  const { tokensFirst, sinks } = merging;
  const [ofHead, ofRow] = tokensFirst ? [columns, allHeads * columns] : [queries * columns, columns];
  const entry = allHeads * queries * columns;
  const rows = entries * heads * queries;
  if (rows === 0) return;
  const first = firstEntry * entry + firstHead * ofHead;
  const to = part(out, first, (entries - 1) * entry + (heads - 1) * ofHead + (queries - 1) * ofRow + columns);
  const lseTo = part(lse, (firstEntry * allHeads + firstHead) * queries, rows);
  const { sums, vectors } = merging.program;
  const program = { sums, vectors: [vectors, columns % 4 === 0] as const, sinks: sinks !== undefined };
  const per = vectors ? 4 : 1;
  const { valuesRow } = merging;
  const from =
    valuesRow === undefined
      ? { valuesEntry: entry / per, valuesHead: ofHead / per, valuesRow: ofRow / per }
      : { valuesEntry: heads * queries * valuesRow, valuesHead: queries * valuesRow, valuesRow };
  const across = Math.min(rows, device.gpu.limits.maxComputeWorkgroupsPerDimension);
  device.run({
    key: `merge ${JSON.stringify(program)}`,
    code: () => mergingProgram(program),
    params: mergingParams.fill({
      ...{ rows, columns, heads, queries, ...from, ...at },
      ...{ out: to.first, outEntry: entry, outHead: ofHead, outRow: ofRow, lse: lseTo.first, firstHead },
      ...{ unit: sums ? 1 : Math.LOG2E, natural: sums ? Math.LN2 : 1 },
      ...{ minusInfinity: 0xff800000, endless: 0x7f800000 },
    }),
    bindings: [
      ...[values, stats, { ...to, written: true }, { ...lseTo, written: true }],
      ...(sinks ? [{ buffer: sinks.buffer }] : []),
    ],
    workgroups: [Math.max(1, Math.ceil(columns / 4 / mergingColumns4)), across, Math.ceil(rows / across)],
  });
}
