import { checked } from "../../wasm/options.ts";
import { measureSsd, type SsdInputs, type SsdOptions } from "../../wasm/ssd.ts";
import { calling } from "../call.ts";
import { type Before, type GpuCarried, targets } from "../carried.ts";
import type { Binding, Device } from "../device.ts";
import type { OnGpu } from "../options.ts";
import { held, part, runs } from "../parts.ts";
import type { FloatsAnywhere, GpuTensor } from "../tensor.ts";
import { carryProgram, carryThreads, leavesProgram, resultsProgram, scoresProgram } from "./chunk-programs.ts";
import { fadeProgram } from "./fade-program.ts";
import { chunk, fadeRows, ssdParams } from "./params.ts";
import { stepProgram, stepRows } from "./step-program.ts";
import { side, type TileShape } from "./tile.ts";

export interface SsdTuning extends TileShape {
  /** Up to so many tokens, of at most a chunk, are taken one by one. */
  readonly few: number;
}

const usual: SsdTuning = { tall: 8, few: 8 };
const read = ({ buffer }: GpuTensor): Binding => ({ buffer });
const written = ({ buffer }: GpuTensor): Binding => ({ buffer, written: true });
/** States between chunks take no more memory than that. */
const mostBytes = 2 ** 28;

/**
 * State-space duality (Mamba-2) in float32: for each head S = exp(Δ a) S + Δ u bᵀ, an E × N matrix, and out = S c + d u,
 * [T, H, E]. `state` is [H, E, N]. Computed in chunks of 64 tokens, side by side, by products of matrices, few tokens one by
 * one: a token of a model that generates is a call with T = 1.
 *
 * What is written after a token does not reach its result, unless it is infinite or NaN.
 *
 * @throws KernelError naming the argument whose shape or values do not fit.
 */
export function ssd(
  device: Device,
  { u, delta, a, b, c }: OnGpu<SsdInputs> = {} as never,
  options: OnGpu<SsdOptions> = {},
  tuning: SsdTuning = usual,
): GpuCarried {
  const { d, bias, softplus = false } = checked("ssd", options);
  return calling("ssd", device, (call) => {
    const inputs = { u, delta, a, b, c, d, bias };
    const { T, H, E, G, N } = measureSsd(call, inputs);
    const fits = (bytes: number) => Math.floor(held(device, 1) / Math.max(1, bytes));
    const most = device.gpu.limits.maxComputeWorkgroupsPerDimension;
    if (fits(4 * H * E * N) < 1 || H > most)
      call.fail("u", `the states of ${H} heads are more than this device binds at once; split the heads`);
    const chunksAtOnce = Math.min(
      ...[most, fits(4 * chunk * H * E), fits(4 * chunk * G * N), fits(4 * fadeRows * chunk * H)],
      ...[
        fits(4 * chunk * chunk * G),
        Math.max(1, Math.min(fits(4 * H * E * N), Math.floor(mostBytes / (4 * H * E * N)))),
      ],
    );
    if (chunksAtOnce < 1)
      call.fail("u", `a chunk of ${H} heads is more than this device binds at once; split the heads`);
    const { out, last, before, from } = targets(call, options, [T, H, E], [H, E, N], inputs);
    const on = (tensor: FloatsAnywhere) => call.on(tensor, "float32");
    const [us, deltas, rates, bs, cs] = [on(u), on(delta), on(a), on(b), on(c)];
    const [skip, added] = [d && on(d), bias && on(bias)];
    const vectors = { wide: E % 4 === 0, deep: N % 4 === 0 };
    const { tall } = tuning;

    const stretch = (start: number, tokens: number) => {
      const chunks = Math.ceil(tokens / chunk);
      const state: Before = start > 0 ? "same" : from;
      const by = (tensor: typeof out, width: number) => part(tensor, start * width, tokens * width);
      const [seen, steps, writers, readers] = [by(us, H * E), by(deltas, H), by(bs, G * N), by(cs, G * N)];
      const results = { ...by(out, H * E), written: true };
      const params = ssdParams.fill({
        ...{ tokens, heads: H, groups: G, width: E, states: N, chunks },
        ...{ u: seen.first, delta: steps.first, b: writers.first, c: readers.first, out: results.first },
      });
      const run = (
        name: string,
        program: object,
        code: () => string,
        bindings: readonly Binding[],
        workgroups: readonly [number, number, number],
      ) => device.run({ key: `ssd ${name} ${JSON.stringify(program)}`, code, params, bindings, workgroups });
      const faded = call.temporary([chunks, H, fadeRows, chunk], "float32");
      const fade = { biased: !!added, softplus };
      run(
        "fade",
        fade,
        () => fadeProgram(fade),
        [steps, read(rates), written(faded), ...(added ? [read(added)] : [])],
        [H, chunks, 1],
      );
      const after = written(last);
      const given = state === "apart" ? [read(before!)] : [];
      const skips = skip ? [read(skip)] : [];
      if (tokens > 0 && tokens <= Math.min(tuning.few, chunk)) {
        const program = { deep: vectors.deep, skips: !!skip, before: state };
        run(
          "step",
          program,
          () => stepProgram(program),
          [seen, writers, readers, read(faded), results, after, ...skips, ...given],
          [Math.ceil(E / stepRows), H, 1],
        );
        return;
      }
      const states = call.temporary([chunks, H, N, E], "float32");
      const scores = call.temporary([chunks, G, chunk, chunk], "float32");
      const program = { tall, ...vectors };
      const tiles = Math.ceil(E / side);
      run("scores", program, () => scoresProgram(program), [writers, readers, written(scores)], [1, G, chunks]);
      run(
        "leaves",
        program,
        () => leavesProgram(program),
        [seen, writers, read(faded), written(states)],
        [tiles * Math.ceil(N / side), H, chunks],
      );
      run(
        "carry",
        { state },
        () => carryProgram(state),
        [written(states), read(faded), after, ...given],
        [Math.ceil((E * N) / carryThreads), H, 1],
      );
      const skipping = { ...program, skips: !!skip };
      run(
        "results",
        skipping,
        () => resultsProgram(skipping),
        [seen, readers, read(faded), read(scores), read(states), results, ...skips],
        [tiles, H, chunks],
      );
    };
    for (const [start, tokens] of runs(T, chunk * chunksAtOnce)) stretch(start, tokens);
    if (T === 0) stretch(0, 0);
    return { out, state: last };
  });
}
