/** Measures contests in this process. */
import { random } from "../oracle/random.ts";
import { type Kernels, load } from "../wasm/load.ts";
import type { Contest, Contests, Ring } from "./contest.ts";
import { onnx } from "./rivals/onnx.ts";
import { tensorflow } from "./rivals/tensorflow.ts";

/** What one process found out about one contest. */
export interface Line {
  readonly name: string;
  readonly page: string | null;
  /** Median time of ours. */
  readonly milliseconds: number;
  /** Share of what a loop over registers alone (or one that only reads as many bytes) reached just before and after. */
  readonly ofPeak: number | null;
  readonly ofBandwidth: number | null;
  /** Median of their time over ours, by name. */
  readonly rivals: Readonly<Record<string, number>>;
}
export interface Run {
  readonly target: string;
  readonly tile: string;
  /** 10⁹ multiplications and additions a second, the best seen; 10⁹ bytes read a second, of memory that no cache holds. */
  readonly peak: number;
  readonly bandwidth: number;
  readonly lines: readonly Line[];
}

/** Bandwidth is measured over as many bytes as a contest reads, at most these: the same caches hold them, or none. */
const swept = 256 * 2 ** 20;
/** What `sweep` reads side by side. */
const block = 2 ** 14;
const burst = 20_000;

export interface MeasureOptions {
  /** Rounds that count, of each contest. Others come before, for the compilers: at least 2, and up to 12 in half a second. */
  readonly rounds: number;
  /** Where peers are looked for. */
  readonly peers: string;
  /** Which contests: those whose name has this in it. */
  readonly filter: string;
  readonly url?: string | URL | undefined;
}

export async function measure(
  kinds: readonly Contests[],
  { rounds, peers, filter, url }: MeasureOptions,
): Promise<Run> {
  const kernels = await load(url ? { url } : {});
  const source = random(1);
  const [ort, tf] = [await onnx(peers), await tensorflow(peers)];
  const outer = kernels.region();
  const registers = outer.tensorOf({ shape: [8], data: [0.1, 0.1, 0.1, 0.1, 0.5, 0.5, 0.5, 0.5] });
  const memory = outer.allocate(swept);
  // Memory never written to is one page of zeros, which the cache holds.
  new Uint8Array(kernels.arena.memory.buffer, memory, swept).fill(1);
  const peak = async () => (96 * burst) / (await timed(() => kernels.exports.peak(burst, registers.address)))[0] / 1e6;
  const bandwidth = async (read: number) => {
    const bytes = Math.max(block, Math.min(read, swept) - (read % block));
    // Of the few that the second cache holds, as often as gives a time worth measuring.
    const times = Math.ceil(2 ** 22 / bytes);
    const [time] = await timed(() => {
      for (let i = 0; i < times; i++) kernels.exports.sweep(memory, bytes);
    });
    return (times * bytes) / time / 1e6;
  };
  const lines: Line[] = [];
  for (let i = 0; i < 10; i++) await Promise.all([peak(), bandwidth(2 ** 20)]);
  const sweeps: number[] = [];
  for (let i = 0; i < 5; i++) sweeps.push(await bandwidth(swept));
  let highest = 0;
  for (const kind of kinds) {
    const region = kernels.region();
    const engines: Kernels[] = [];
    const ring: Ring = {
      kernels,
      region,
      async threaded(threads) {
        const more = await load({ ...(url && { url }), threads });
        engines.push(more);
        return more;
      },
      drawn(...shape) {
        const t = region.tensor(shape);
        const { data } = t;
        for (let i = 0; i < data.length; i++) data[i] = source.normal();
        return t;
      },
      blank: (...shape) => region.tensor(shape),
      onnx: ort,
      tensorflow: tf,
    };
    for (const contest of await kind(ring)) {
      if (!contest.name.includes(filter)) continue;
      const shares: number[] = [];
      const reads: number[] = [];
      const ours: number[] = [];
      const others: Record<string, number[]> = {};
      const reading = () => (contest.bytes ? bandwidth(contest.bytes) : Promise.resolve(0));
      const start = performance.now();
      for (let warm = 0; warm < 2 || (warm < 12 && performance.now() - start < 500); warm++)
        for (const [name, rival] of Object.entries({ ours: contest.ours, ...contest.rivals }))
          if (rival) agree(contest, name, contest.ours(), await rival());
      for (let round = 0; round < rounds; round++) {
        const before = [await peak(), await reading()] as const;
        const [time] = await timed(contest.ours);
        const after = [await peak(), await reading()] as const;
        for (const [name, rival] of Object.entries(contest.rivals ?? {})) {
          if (!rival) continue;
          const [theirs] = await timed(rival);
          others[name] = [...(others[name] ?? []), theirs / time];
        }
        ours.push(time);
        highest = Math.max(highest, before[0], after[0]);
        if (contest.operations) shares.push(contest.operations / time / 1e6 / ((before[0] + after[0]) / 2));
        if (contest.bytes) reads.push(contest.bytes / time / 1e6 / ((before[1] + after[1]) / 2));
      }
      lines.push({
        name: contest.name,
        page: contest.page ?? null,
        milliseconds: median(ours),
        ofPeak: shares.length ? median(shares) : null,
        ofBandwidth: reads.length ? median(reads) : null,
        rivals: Object.fromEntries(Object.entries(others).map(([name, ratios]) => [name, median(ratios)])),
      });
    }
    region.release();
    for (const more of engines) more.close();
  }
  outer.release();
  return { target: kernels.target, tile: kernels.tile, peak: highest, bandwidth: median(sweeps), lines };
}

export const median = (values: readonly number[]): number => [...values].sort((x, y) => x - y)[values.length >> 1]!;

async function timed<T>(body: () => T | Promise<T>): Promise<[number, T]> {
  const start = performance.now();
  const result = body();
  // Waiting for what is not a promise would cost a turn of the event loop.
  const value = result instanceof Promise ? await result : result;
  return [performance.now() - start, value];
}

type Values = ArrayLike<number> | { readonly data: ArrayLike<number> } | undefined;

/** Two results of one job, if there are two. */
function agree({ name, agree: far = 1e-3 }: Contest, rival: string, ours: Values, theirs: Values): void {
  const [x, y] = [ours, theirs].map((values) => (values && "data" in values ? values.data : values));
  if (!x || !y) return;
  if (x.length !== y.length) throw new Error(`${name}: ${rival} gives ${y.length} values, ours ${x.length}`);
  // Sums that cancel are as inexact as what they are made of: the largest value says how large that is.
  const largest = Math.max(1, Math.abs(extreme(y)));
  for (let i = 0; i < x.length; i++)
    if (!Object.is(x[i], y[i]) && !(Math.abs(x[i]! - y[i]!) <= far * largest))
      throw new Error(`${name}: ${rival} gives ${y[i]} at ${i}, ours ${x[i]}`);
}

/** The value furthest from 0. */
function extreme(values: ArrayLike<number>): number {
  let found = 0;
  for (let i = 0; i < values.length; i++) if (Math.abs(values[i]!) > Math.abs(found)) found = values[i]!;
  return found;
}
