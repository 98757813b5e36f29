/** What was measured of several engines, as shares of the first one's speed. */

/** What one process of each engine found: by call, of each engine, milliseconds of each round. */
export interface Measured {
  readonly times: Readonly<Record<string, readonly (readonly number[])[]>>;
  readonly chosen: readonly { readonly target: string; readonly tile: string }[];
}

export interface Share {
  readonly call: string;
  /** Milliseconds of the first engine. */
  readonly milliseconds: number;
  /** Speed of each other engine over the first one's: of a round; the median of a process's; the median of those. */
  readonly others: readonly { readonly median: number; readonly least: number; readonly most: number }[];
}

const median = (values: readonly number[]): number => [...values].sort((x, y) => x - y)[values.length >> 1]!;

export const shares = (processes: readonly Measured[]): Share[] =>
  Object.keys(processes[0]!.times).map((call) => {
    const all = processes.map(({ times }) => times[call]!);
    return {
      call,
      milliseconds: median(all.map(([first]) => median(first!))),
      others: all[0]!.slice(1).map((_, i) => {
        const ratios = all.map(([first, ...others]) => median(first!.map((time, round) => time / others[i]![round]!)));
        return { median: median(ratios), least: Math.min(...ratios), most: Math.max(...ratios) };
      }),
    };
  });

export interface Table {
  readonly title: string;
  readonly note: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** The same as `docs/data` has it. */
export function table(
  engines: readonly { readonly name: string; readonly target: string; readonly tile: string }[],
  rows: readonly Share[],
  { processes, processor }: { readonly processes: number; readonly processor: string },
): Table {
  const percent = (x: number) => Math.round(100 * x);
  const kernels = engines.map(({ name, target, tile }) => `${name}: ${target}, ${tile}`).join("; ");
  return {
    title: "Engines beside each other",
    note: `${processor}. Speed as a share of the first engine's: medians of ${processes} processes of each, in brackets the least and the most. Kernels and tiles that were chosen: ${kernels}.`,
    columns: ["what", `${engines[0]!.name}, ms`, ...engines.slice(1).map(({ name }) => name)],
    rows: rows.map(({ call, milliseconds, others }) => [
      call,
      milliseconds < 100 ? milliseconds.toPrecision(3) : milliseconds.toFixed(0),
      ...others.map(({ median, least, most }) => `${percent(median)} % (${percent(least)}–${percent(most)})`),
    ]),
  };
}

/** As a file of `docs/data`, a row a line. */
export const written = (result: Table): string =>
  `${JSON.stringify(result, null, 2).replace(/\[\s+("[^[\]]*")\s+\]/g, (_, row: string) => `[${row.replace(/\n\s+/g, " ")}]`)}\n`;

/** A table with what an earlier one of the same engines has of other calls, in their order. */
export function joined(before: Table | undefined, now: Table, calls: readonly string[]): Table {
  if (before?.columns.join() !== now.columns.join()) return now;
  const rows = new Map([...before!.rows, ...now.rows].map((row) => [row[0]!, row]));
  return { ...now, rows: calls.flatMap((call) => (rows.has(call) ? [rows.get(call)!] : [])) };
}
