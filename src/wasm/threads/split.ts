/**
 * Calls cut into tasks. Every number of a result is computed in the same order of operations wherever the cuts are, so
 * that results are the same bits whatever the number of threads.
 */
import type { Arena, Region } from "../arena.ts";
import { attendJob } from "../attention/job.ts";
import { decodeJob } from "../decode/job.ts";
import type { Exports } from "../exports.ts";
import type { Struct } from "../struct.ts";
import type { Pool, Task } from "./pool.ts";

/** Multiplications and additions below which a call is not worth the way to another thread. */
const worthwhile = 500_000;
/** Tasks for each thread, so that an idle one takes from a busy one; of attention, where each packs its keys again. */
const each = 8;
/** Of decode steps, whose tasks are small. */
const eachStep = 4;

/** The same functions, which share the work of large calls among the threads of a pool. */
export function splitting(exports: Exports, arena: Arena, pool: Pool): Exports {
  /** Whether a call is cut at all. */
  const worth = (operations: number) => !pool.closed && operations >= worthwhile;
  const run = (scratchBytes: number, tasks: (region: Region) => readonly Task[]): void => {
    const region = arena.region();
    try {
      const scratch = Array.from({ length: pool.threads }, () => region.allocate(scratchBytes));
      pool.run(tasks(region), scratch);
    } finally {
      region.release();
    }
  };
  const described = <N extends string>(
    region: Region,
    struct: Struct<N>,
    name: Task["name"],
    jobs: readonly Readonly<Record<N | "scratch", number>>[],
  ): Task[] =>
    jobs.map((job) => {
      const address = region.allocate(struct.bytes);
      struct.write(arena.memory, address, job);
      return { name, args: [address], scratch: address + struct.at("scratch" as N) };
    });
  return {
    ...exports,
    chooseTile(which) {
      exports.chooseTile(which);
      pool.tile = which;
    },
    matmul(a, aRow, b, bRow, transposed, bias, c, cRow, rows, columns, depth, scratch) {
      if (!worth(rows * columns * depth))
        return exports.matmul(a, aRow, b, bRow, transposed, bias, c, cRow, rows, columns, depth, scratch);
      // Rows share what is packed of b, columns what is packed of a: the longer axis is cut, at whole tiles of any kind.
      const byRows = rows >= columns;
      const parts = byRows ? leaving(4, thenSmall(rows, 12, pool.threads)) : thenSmall(columns, 64, pool.threads);
      run(exports.matmulScratch(columns, depth) >>> 0, () =>
        parts.map(([from, to]) => ({
          name: "matmul",
          args: byRows
            ? [a + from * aRow, aRow, b, bRow, transposed, bias, c + from * cRow, cRow, to - from, columns, depth]
            : [
                ...[a, aRow, b + from * (transposed ? bRow : 4), bRow, transposed, bias && bias + 4 * from],
                ...[c + 4 * from, cRow, rows, to - from, depth],
              ],
        })),
      );
    },
    attend(address) {
      const job = attendJob.read(arena.memory, address);
      const { heads, keyHeads, queries, width, valueWidth, span } = job;
      if (!worth(heads * queries * span * (width + valueWidth))) return exports.attend(address);
      const shared = heads / keyHeads;
      // All the queries of a key head's heads: what is packed of its keys serves them all.
      const grain = multiple(32, job.blocks ? job.blockQueries : 1);
      const parts = cuts(queries, grain, Math.ceil((each * pool.threads) / keyHeads));
      // The last queries see the most keys if any see more than others: they are done first.
      const jobs = parts.reverse().flatMap(([from, to]) =>
        Array.from({ length: keyHeads }, (_, keyHead) => {
          const head = keyHead * shared;
          return {
            ...job,
            ...{ heads: shared, keyHeads: 1, queries: to - from, offset: job.offset + from },
            q: job.q + head * job.qHead + from * job.qRow,
            k: job.k + keyHead * job.kHead,
            v: job.v + keyHead * job.vHead,
            out: job.out + head * job.outHead + from * job.outRow,
            lse: job.lse + head * job.lseHead + 4 * from,
            mask: job.mask && job.mask + head * job.maskHead + from * job.maskRow,
            bias: job.bias && job.bias + head * job.biasHead + from * job.biasRow,
            blocks: job.blocks && job.blocks + head * job.blockHead + (from / job.blockQueries) * job.blockRow,
            relative: job.relative && job.relative + 4 * head * (2 * job.reach + 1),
            ...ofHead(job, head),
          };
        }),
      );
      const scratch = exports.attendScratch(span, width, valueWidth, queries, Number(job.relative !== 0)) >>> 0;
      run(scratch, (region) => described(region, attendJob, "attend", jobs));
    },
    decode(address) {
      const job = decodeJob.read(arena.memory, address);
      const { heads, keyHeads, queries, keys, width, valueWidth } = job;
      if (!worth(heads * queries * keys * (width + valueWidth))) return exports.decode(address);
      const shared = heads / keyHeads;
      // Queries of one key head are parted only where there are not enough key heads, and two at least stay together.
      const wanted = eachStep * pool.threads;
      const groups = cuts(keyHeads, 1, job.together === 1 ? keyHeads : Math.min(wanted, keyHeads));
      const rows = keyHeads < pool.threads ? pairs(shared, Math.ceil(wanted / keyHeads)) : [[0, shared] as const];
      const jobs = groups.flatMap(([keyFrom, keyTo]) =>
        rows.map(([from, to]) => {
          const [many, head] = [keyTo - keyFrom, keyFrom * shared + from];
          return {
            ...job,
            ...{ heads: many * (to - from), keyHeads: many, together: job.together === 1 ? 1 : many },
            q: job.q + head * job.qHead,
            k: job.k + keyFrom * job.kHead,
            v: job.v + keyFrom * job.vHead,
            kScales: job.kScales + keyFrom * job.scaleHead,
            vScales: job.vScales + keyFrom * job.scaleHead,
            out: job.out + head * job.outHead,
            lse: job.lse + head * job.lseHead,
            mask: job.mask && job.mask + head * job.maskHead,
            bias: job.bias && job.bias + head * job.biasHead,
            ...ofHead(job, head),
          };
        }),
      );
      const together = Math.max(...jobs.map((one) => one.together));
      const most = together * Math.max(...jobs.map((one) => one.heads / one.keyHeads)) * queries;
      const scratch = exports.decodeScratch(most, together, width, valueWidth) >>> 0;
      run(scratch, (region) => described(region, decodeJob, "decode", jobs));
    },
  };
}

const ofHead = ({ sinks, slopes }: { sinks: number; slopes: number }, head: number) => ({
  sinks: sinks && sinks + 4 * head,
  slopes: slopes && slopes + 4 * head,
});

/** An axis in at most so many parts, all but the last of equal length, which is a multiple of `grain`. */
function cuts(length: number, grain: number, most: number): (readonly [number, number])[] {
  const size = Math.max(1, Math.ceil(length / grain / most)) * grain;
  return Array.from(
    { length: Math.ceil(length / size) },
    (_, i) => [i * size, Math.min(length, (i + 1) * size)] as const,
  );
}

/**
 * An axis in two parts for each thread, at multiples of `grain`: a large one, and when those are done a small one, which
 * a thread that was late leaves to another. Every part repeats some work, so there are not more.
 */
export function thenSmall(length: number, grain: number, threads: number): (readonly [number, number])[] {
  const large = (3 / 4) * length;
  const ends = Array.from({ length: 2 * threads }, (_, i) => {
    const end = i < threads ? ((i + 1) * large) / threads : large + ((i + 1 - threads) * (length - large)) / threads;
    return Math.round(end / grain) * grain;
  });
  ends[ends.length - 1] = length;
  return ends
    .map((end, i) => [i ? Math.min(ends[i - 1]!, length) : 0, Math.min(end, length)] as const)
    .filter(([from, to]) => from < to);
}

/** The same parts, the last two as one if the last has fewer than `least`: few are computed in another way. */
function leaving(least: number, parts: readonly (readonly [number, number])[]): (readonly [number, number])[] {
  const [before, last] = parts.slice(-2);
  if (!before || !last || last[1] - last[0] >= least) return [...parts];
  return [...parts.slice(0, -2), [before[0], last[1]]];
}

/** Parts of two at least, if there are two: one alone is computed in another way. */
const pairs = (length: number, most: number) => leaving(2, cuts(length, 2, most));

/** The least common multiple. */
function multiple(a: number, b: number): number {
  let [x, y] = [a, b];
  while (y) [x, y] = [y, x % y];
  return (a / x) * b;
}
