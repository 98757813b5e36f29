/** How fast kernels were: the reports of `attnspec bench --json` in `docs/data/bench`. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../scripts/pages.ts";
import type { Entry, Report, Spread } from "../../src/bench/report.ts";

export const benches = (folder = join(root, "docs/data/bench")): Report[] =>
  existsSync(folder)
    ? readdirSync(folder)
        .sort()
        .map((file) => JSON.parse(readFileSync(join(folder, file), "utf8")) as Report)
    : [];

const percent = (share: Spread | null): string => (share ? `${Math.round(100 * share.median)} %` : "");
const factor = (x: number): string => x.toFixed(x < 10 ? 2 : 0);

/** A row of a table: what, milliseconds, shares of what is possible, and how many times as long others take. */
export const rowOf = ({ name, milliseconds, ofPeak, ofBandwidth, rivals }: Entry): string[] => [
  name,
  milliseconds.median.toPrecision(3),
  percent(ofPeak),
  percent(ofBandwidth),
  Object.entries(rivals)
    .map(([rival, { median, least, most }]) => `${rival} ${factor(median)} (${factor(least)}–${factor(most)})`)
    .join("; "),
];
export const columns = ["what", "ms", "of peak", "of bandwidth", "others take, times as long"] as const;

/** What a report was measured on and how. */
export const captionOf = ({ engine, processor, target }: Report): string =>
  `${engine}, ${processor}, ${target === "relaxed" ? "relaxed SIMD" : "SIMD"}`;
export const noteOf = ({ processes, peak, bandwidth }: Report): string =>
  `Medians of ${processes} ${processes === 1 ? "process" : "processes"}, in brackets the least and the most; one thread. A loop over registers alone reached ${peak.toFixed(1)} GFLOP/s, one that only reads memory ${bandwidth.toFixed(1)} GB/s.`;
