/** What several processes found out, together. */
import { type Line, median, type Run } from "./measure.ts";

export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}
export interface Entry {
  readonly name: string;
  readonly page: string | null;
  readonly milliseconds: Spread;
  readonly ofPeak: Spread | null;
  readonly ofBandwidth: Spread | null;
  readonly rivals: Readonly<Record<string, Spread>>;
}
export interface Report {
  readonly engine: string;
  readonly processor: string;
  readonly target: string;
  readonly tile: string;
  readonly processes: number;
  readonly peak: number;
  readonly bandwidth: number;
  readonly entries: readonly Entry[];
}

export function report(runs: readonly Run[], engine: string, processor: string): Report {
  const [first] = runs;
  if (!first) throw new Error("no process has measured anything");
  return {
    engine,
    processor,
    target: first.target,
    tile: first.tile,
    processes: runs.length,
    peak: median(runs.map((run) => run.peak)),
    bandwidth: median(runs.map((run) => run.bandwidth)),
    entries: first.lines.map(({ name, page, rivals }, i) => {
      const all = (of: (line: Line) => number | null): Spread | null => {
        const values = runs.map((run) => of(run.lines[i]!)).filter((value) => value !== null);
        return values.length ? { median: median(values), least: Math.min(...values), most: Math.max(...values) } : null;
      };
      return {
        name,
        page,
        milliseconds: all((line) => line.milliseconds)!,
        ofPeak: all((line) => line.ofPeak),
        ofBandwidth: all((line) => line.ofBandwidth),
        rivals: Object.fromEntries(Object.keys(rivals).map((rival) => [rival, all((line) => line.rivals[rival]!)!])),
      };
    }),
  };
}

/** A table for people. */
export function table(result: Report): string {
  const names = [...new Set(result.entries.flatMap(({ rivals }) => Object.keys(rivals)))];
  const percent = (spread: Spread | null) => (spread ? `${(100 * spread.median).toFixed(0)} %` : "—");
  const times = (spread: Spread | undefined) =>
    spread ? `${spread.median.toFixed(2)} (${spread.least.toFixed(2)}–${spread.most.toFixed(2)})` : "—";
  const rows = [
    ["", "ms", "of peak", "of bandwidth", ...names],
    ...result.entries.map(({ name, milliseconds, ofPeak, ofBandwidth, rivals }) => [
      name,
      milliseconds.median.toFixed(milliseconds.median < 1 ? 3 : 1),
      percent(ofPeak),
      percent(ofBandwidth),
      ...names.map((rival) => times(rivals[rival])),
    ]),
  ];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const lines = rows.map((row) =>
    row
      .map((cell, i) => (i ? cell.padStart(widths[i]!) : cell.padEnd(widths[0]!)))
      .join("  ")
      .trimEnd(),
  );
  return [
    `${result.engine}, ${result.processor}, ${result.target} (tile ${result.tile}), one thread`,
    `medians of ${result.processes} processes; peak ${result.peak.toFixed(1)} GFLOP/s, load bandwidth ${result.bandwidth.toFixed(1)} GB/s; the others: their time over ours`,
    ...lines,
  ].join("\n");
}
