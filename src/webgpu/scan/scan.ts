/** Scans of channels with several states each, over tensors of the GPU. */
import type { GpuCall } from "../call.ts";
import type { Binding } from "../device.ts";
import { held, part, runs } from "../parts.ts";
import type { GpuTensor } from "../tensor.ts";
import { carryParams, carryProgram, carryThreads } from "./carry-program.ts";
import { chunkLength } from "./chunks.ts";
import { openParams, openProgram, openThreads } from "./open-program.ts";
import { type Kind, partsOf, passParams, passProgram, type ScanShape } from "./pass-program.ts";

type Tensor = GpuTensor<"float32">;

export interface Scan {
  readonly kind: Kind;
  readonly tokens: number;
  readonly channels: number;
  readonly states: number;
  /** [T, C]. */
  readonly u: Tensor;
  readonly out: Tensor;
  /** What comes with each token of a selective scan. */
  readonly delta?: Tensor | undefined;
  readonly b?: Tensor | undefined;
  readonly c?: Tensor | undefined;
  readonly z?: Tensor | undefined;
  readonly softplus?: boolean | undefined;
  /** [C, N], in the order of the kind; zeros where there is none. */
  readonly tables: readonly (Tensor | undefined)[];
  /** [C]: d and the bias of the steps. */
  readonly numbers: readonly [Tensor | undefined, Tensor | undefined];
  /** [C, N]: the states before and after; with their imaginary parts, if there are some. */
  readonly before: readonly (Tensor | undefined)[];
  readonly after: readonly Tensor[];
}

export interface ScanTuning extends ScanShape {
  /** Tokens of a chunk. */
  readonly length?: number | undefined;
}

/** Tables that are brought into one at a time. */
const tablesAtOnce = 5;
const written = (tensor: Tensor): Binding => ({ buffer: tensor.buffer, written: true });
const seen = (tensor: Tensor): Binding => ({ buffer: tensor.buffer });

const shapeFor = (kind: Kind, states: number): ScanTuning => {
  const widest = kind === "complex" ? 2 : 4;
  return { states4: [1, 2].find((states4) => 4 * states4 >= states && states4 <= widest) ?? widest, threads: 64 };
};

export function scan(call: GpuCall, job: Scan, tuning: ScanTuning = shapeFor(job.kind, job.states)): void {
  const { device } = call;
  const { kind, tokens, channels, states, u, out, delta, b, c, z } = job;
  const { states4, threads } = tuning;
  const parts = partsOf(kind);
  const tables = [...job.tables, ...job.before];
  const rounds = Math.max(1, Math.ceil(states / 4 / states4));
  const rows = rounds * states4;
  const vector = states % 4 === 0 && states > 0;
  const fits = (bytes: number) => held(device, bytes);
  const { maxComputeWorkgroupsPerDimension: groups } = device.gpu.limits;
  if ((1 + tables.length * rows) * channels > fits(16))
    call.fail("u", `the states of ${channels} channels are more than this device binds at once; split the channels`);
  const table = call.temporary([1 + tables.length * rows, channels, 4], "float32");
  const columns = Math.ceil(channels / threads);
  const opened = (given: readonly (Tensor | undefined)[], numbered: boolean, field: number) => {
    const numbers = numbered ? job.numbers : [];
    const program = {
      numbers: numbered ? ([!!numbers[0], !!numbers[1]] as const) : undefined,
      given: given.map((tensor) => !!tensor),
    };
    device.run({
      key: `scan open ${JSON.stringify(program)}`,
      code: () => openProgram(program),
      params: openParams.fill({ channels, states, rows, field }),
      bindings: [...[...given, ...numbers].filter((tensor) => !!tensor).map(seen), written(table)],
      workgroups: [Math.ceil(channels / openThreads), rows, 1],
    });
  };
  for (const [field, count] of runs(tables.length, tablesAtOnce))
    opened(tables.slice(field, field + count), field === 0, field);

  // A stretch is as many tokens as one binding holds, of the tensors and of the states between chunks.
  const longest = Math.max(1, Math.min(fits(4 * channels), fits(4 * states)));
  const length = Math.max(1, tuning.length ?? chunkLength(Math.min(tokens, longest), channels));
  const most = Math.min(groups, fits(16 * parts * states4 * channels), fits(4 * channels));
  for (const [start, count] of runs(tokens, Math.min(longest, length * most))) {
    if (start > 0) opened(job.after, false, job.tables.length);
    stretch(start, count);
  }
  if (tokens === 0) stretch(0, 0);

  function stretch(start: number, count: number): void {
    const chunks = Math.ceil(count / length);
    const one = chunks <= 1;
    const by = (tensor: Tensor | undefined, width: number) => tensor && part(tensor, start * width, count * width);
    const [us, deltas, zs, outs] = [u, delta, z, out].map((tensor) => by(tensor, channels));
    const [bs, cs] = [b, c].map((tensor) => by(tensor, states));
    const local = one ? undefined : call.temporary([chunks, parts, states4, channels, 4], "float32");
    const sums = one || kind !== "selective" ? undefined : call.temporary([chunks, channels], "float32");
    for (let round = 0; round < rounds; round++) {
      const row = round * states4;
      const pass = (name: "local" | "apply" | "whole") => {
        const program = { kind, pass: name, states4, threads, vector, gated: !!z, softplus: !!job.softplus };
        const results = name !== "local";
        device.run({
          key: `scan ${JSON.stringify(program)}`,
          code: () => passProgram(program),
          params: passParams.fill({
            ...{ tokens: count, channels, states, length, rows, row },
            ...{ u: us!.first, delta: deltas?.first ?? 0, b: bs?.first ?? 0, c: cs?.first ?? 0 },
            ...{ z: zs?.first ?? 0, out: outs!.first },
            ...{ opens: Number(round === 0), closes: Number(round === rounds - 1) },
          }),
          bindings: [
            ...[us!, seen(table), deltas, bs, results ? cs : undefined, results ? zs : undefined].filter(
              (binding) => binding !== undefined,
            ),
            ...(results ? [{ ...outs!, written: true }] : []),
            ...(name === "whole" ? job.after.map(written) : [{ ...seen(local!), written: !results }]),
            ...(sums && !results ? [written(sums)] : []),
          ],
          workgroups: [columns, Math.max(1, chunks), 1],
        });
      };
      if (one) {
        pass("whole");
        continue;
      }
      pass("local");
      const program = { kind, states4, vector };
      device.run({
        key: `scan carry ${JSON.stringify(program)}`,
        code: () => carryProgram(program),
        params: carryParams.fill({
          ...{ channels, states, rows, row, count: chunks, length, rest: count - (chunks - 1) * length },
        }),
        bindings: [written(local!), seen(table), ...(sums ? [seen(sums)] : []), ...job.after.map(written)],
        workgroups: [Math.ceil(channels / carryThreads), states4, 1],
      });
      pass("apply");
    }
  }
}
