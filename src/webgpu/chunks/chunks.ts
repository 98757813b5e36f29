/** Some chunks of a sequence on their way through the programs, each of which works on all heads and chunks at once. */

import type { GpuCall } from "../call.ts";
import type { Binding, Device } from "../device.ts";
import type { GpuTensor } from "../tensor.ts";
import { carryParams, carryProgram, carryThreads } from "./carry.ts";
import {
  blockTokens,
  channelRowsParams,
  channelRowsProgram,
  type FadeSide,
  fadesSize,
  type Gating,
  gateValues,
  tokenFadesParams,
  tokenFadesProgram,
} from "./fades.ts";
import { kept, type Operand, seen, values } from "./operands.ts";
import { type Reads, readsParams, readsProgram, type Writes, writesParams, writesProgram } from "./products.ts";
import {
  blockScoresParams,
  blockScoresProgram,
  bonusParams,
  bonusProgram,
  type Sight,
  scoresParams,
  scoresProgram,
} from "./scores.ts";
import { solveParams, solveProgram } from "./solve.ts";
import { chunkTokens, columnsOf, narrowShape, type TileShape, tileShape } from "./tile.ts";
import { columnsWith, transitionsParams, transitionsProgram, widestTransition } from "./transitions.ts";

export interface Gates {
  readonly gating: Gating;
  /** Not given: there are none. */
  readonly rows: Operand | undefined;
  readonly logs: boolean;
}

/** An operand that is read, and how its rows fade, if they do. */
export interface Faded {
  readonly rows: Operand;
  readonly side: FadeSide | undefined;
}

/** Rows of tokens, 64 a chunk. */
export const chunkRows = (rows: Omit<Operand, "step" | "tall">): Operand => ({
  ...rows,
  ...{ step: chunkTokens, tall: chunkTokens },
});

/** Memory for what chunks keep of one kind: more of them would not be faster. */
const keptBytes = 64 * 2 ** 20;

/** How many chunks to work on at once, if one keeps so many bytes of one kind; 0 if that is more than fits. */
export function chunksAtOnce({ gpu }: Device, bytes: number): number {
  const { maxStorageBufferBindingSize: most, maxComputeWorkgroupsPerDimension } = gpu.limits;
  if (bytes > most) return 0;
  return Math.min(maxComputeWorkgroupsPerDimension, Math.max(1, Math.floor(Math.min(keptBytes, most) / bytes)));
}

/** Whether a matrix can change a state of so many rows. */
export const transits = (width: number): boolean => width <= widestTransition;

const up = (n: number, by: number): number => Math.ceil(n / by) * by;

export class Chunks {
  readonly call: GpuCall;
  readonly chunks: number;
  /** Heads of queries, and of states, each of which has as many of those. */
  readonly heads: number;
  readonly states: number;
  readonly width: number;
  readonly gates: Gates;
  readonly #shape: TileShape;
  readonly #fades: GpuTensor | undefined;
  readonly #temporary: GpuTensor[] = [];

  constructor(
    call: GpuCall,
    sizes: { readonly chunks: number; readonly heads: number; readonly states: number; readonly width: number },
    gates: Gates,
    shape: TileShape = tileShape,
  ) {
    this.call = call;
    this.chunks = sizes.chunks;
    this.heads = sizes.heads;
    this.states = sizes.states;
    this.width = sizes.width;
    this.gates = gates;
    this.#shape = shape;
    const size = fadesSize(gates.gating, this.width4);
    this.#fades = size ? this.temporary([this.states, this.chunks, size]) : undefined;
  }

  get width4(): number {
    return Math.ceil(this.width / 4);
  }

  temporary(shape: readonly number[]): GpuTensor<"float32"> {
    const tensor = this.call.temporary(shape, "float32");
    this.#temporary.push(tensor);
    return tensor;
  }

  /** A matrix of so many rows for every head and chunk; its columns are padded to vectors with zeros. */
  matrix(heads: number, tall: number, columns: number): Operand {
    const padded = up(columns, 4);
    return kept(this.temporary([heads, this.chunks, tall, padded]), this.chunks, tall, padded);
  }

  /** Gives its memory back for the next chunks, which is in turn after these. */
  free(): void {
    for (const tensor of this.#temporary) tensor.free();
  }

  /** Where a token has one gate: works out what is left of its chunk. */
  tokenFades(): void {
    const { rows, logs } = this.gates;
    this.#run(
      `chunk fades ${logs}`,
      () => tokenFadesProgram(logs),
      tokenFadesParams.fill({ ...gateValues(rows!), chunks: this.chunks }),
      [{ buffer: rows!.tensor.buffer }, { buffer: this.#fades!.buffer, written: true }],
      [this.chunks, this.states, 1],
    );
  }

  /** Where channels have gates: rows of the heads or states faded within their blocks. */
  channelRows(x: Operand, per: "heads" | "states", backward: boolean, exclusive: boolean): Operand {
    const { rows, logs } = this.gates;
    const [heads, readers] = [this[per], this.heads / this.states];
    const y = this.matrix(heads, chunkTokens, this.width);
    const share = per === "heads" ? rows!.share * readers : rows!.share;
    const how = seen(x);
    this.#run(
      `chunk rows ${JSON.stringify([how, logs, backward])}`,
      () => channelRowsProgram(how, logs, backward),
      channelRowsParams.fill({
        ...gateValues({ ...rows!, share }),
        ...values("x", x),
        ...values("y", y),
        ...{ chunks: this.chunks, width: this.width, width4: this.width4, exclusive: Number(exclusive) },
      }),
      [
        ...[rows!.tensor, x.tensor].map(({ buffer }) => ({ buffer })),
        { buffer: y.tensor.buffer, written: true },
        ...(backward ? [{ buffer: this.#fades!.buffer, written: true }] : []),
      ],
      [Math.ceil(this.width4 / 16), this.chunks, heads],
    );
    return y;
  }

  /** [heads, chunks, 64, 64]: q · k, faded. Where channels have gates, `plain` are the rows as they were. */
  scores(q: Operand, k: Operand, sight: Sight, scale: number, plain: { q: Operand; k: Operand } = { q, k }): GpuTensor {
    const { gating, rows, logs } = this.gates;
    const scores = this.temporary([this.heads, this.chunks, chunkTokens, chunkTokens]);
    const readers = this.heads / this.states;
    const common = { chunks: this.chunks, width: this.width, width4: this.width4, fadeShare: readers, scale };
    const program = { q: seen(q), k: seen(k), gating, sight, shape: this.#shape };
    const written = { buffer: scores.buffer, written: true };
    this.#run(
      `chunk scores ${JSON.stringify(program)}`,
      () => scoresProgram(program),
      scoresParams.fill({ ...common, ...values("q", q), ...values("k", k) }),
      [
        ...[q, k].map(({ tensor }) => ({ buffer: tensor.buffer })),
        written,
        ...(this.#fades ? [{ buffer: this.#fades.buffer }] : []),
      ],
      [1, this.chunks, this.heads],
    );
    if (gating === "channel") {
      const blocks = { q: seen(plain.q), k: seen(plain.k), logs, sight };
      const share = rows!.share * readers;
      this.#run(
        `chunk blocks ${JSON.stringify(blocks)}`,
        () => blockScoresProgram(blocks),
        blockScoresParams.fill({
          ...common,
          ...gateValues({ ...rows!, share }),
          ...values("q", plain.q),
          ...values("k", plain.k),
        }),
        [
          ...[plain.q, plain.k].map(({ tensor }) => ({ buffer: tensor.buffer })),
          written,
          { buffer: rows!.tensor.buffer },
        ],
        [chunkTokens / blockTokens, this.chunks, this.heads],
      );
    }
    return scores;
  }

  /** What tokens find of their own keys, channel by channel, to the diagonal of the scores. */
  bonus(scores: GpuTensor, q: Operand, k: Operand, bonus: GpuTensor, share: number, scale: number): void {
    const how = [seen(q), seen(k)] as const;
    this.#run(
      `chunk bonus ${JSON.stringify(how)}`,
      () => bonusProgram(...how),
      bonusParams.fill({
        ...{ chunks: this.chunks, width: this.width, bonusShare: share, scale },
        ...values("q", q),
        ...values("k", k),
      }),
      [
        ...[q.tensor, k.tensor].map(({ buffer }) => ({ buffer })),
        { buffer: scores.buffer, written: true },
        { buffer: bonus.buffer },
      ],
      [1, this.chunks, this.heads],
    );
  }

  /**
   * kᵀ v of every chunk of the states, one of which is faded to the end of the chunk; as `transition` taken from what
   * the gates leave of the whole state.
   */
  writes(k: Operand, v: Operand, fades: "k" | "v", transition = false): Operand {
    const { gating } = this.gates;
    const { columns } = v;
    const out = this.matrix(this.states, this.width, columns);
    const shape = this.#for(columns);
    const program: Writes = { k: seen(k), v: seen(v), out: seen(out), gating, fades, transition, shape };
    const rowTiles = Math.ceil(this.width / chunkTokens);
    this.#run(
      `chunk writes ${JSON.stringify(program)}`,
      () => writesProgram(program),
      writesParams.fill({
        ...{ chunks: this.chunks, width4: this.width4, fadeShare: 1, rowTiles, scale: 1 },
        ...{ ...values("k", k), ...values("v", v), ...values("out", out) },
      }),
      [
        ...[k.tensor, v.tensor].map(({ buffer }) => ({ buffer })),
        { buffer: out.tensor.buffer, written: true },
        ...(this.#fades ? [{ buffer: this.#fades.buffer }] : []),
      ],
      [rowTiles * Math.ceil(columns / columnsOf(shape)), this.chunks, this.states],
    );
    return out;
  }

  /** What chunks write becomes the state before them; `after` that after the last. */
  carry(states: Operand, after: GpuTensor, columns: number, fresh: boolean): void {
    const { gating } = this.gates;
    const columns4 = Math.ceil(columns / 4);
    this.#run(
      `chunk carry ${gating}`,
      () => carryProgram(gating),
      carryParams.fill({
        ...{ chunks: this.chunks, width: this.width, width4: this.width4, columns, columns4, fresh: Number(fresh) },
      }),
      [
        { buffer: states.tensor.buffer, written: true },
        { buffer: after.buffer, written: true },
        ...(this.#fades ? [{ buffer: this.#fades.buffer }] : []),
      ],
      [Math.ceil((this.width * columns4) / carryThreads), this.states, 1],
    );
  }

  /** The same where a matrix for every chunk changes the state. */
  carryThrough(transitions: Operand, states: Operand, after: GpuTensor, columns: number, fresh: boolean): void {
    const wide = columnsWith(this.width);
    const columns4 = Math.ceil(columns / 4);
    const threads = this.width <= 64 ? 64 : 128;
    this.#run(
      `chunk transitions ${wide} ${threads}`,
      () => transitionsProgram(wide, threads),
      transitionsParams.fill({
        ...{ chunks: this.chunks, width: this.width, width4: this.width4, columns, columns4, fresh: Number(fresh) },
      }),
      [
        { buffer: states.tensor.buffer, written: true },
        { buffer: after.buffer, written: true },
        { buffer: transitions.tensor.buffer },
      ],
      [Math.ceil(columns4 / wide), this.states, 1],
    );
  }

  /** (1 + diag(β) scores)⁻¹ diag(β) of scores below the diagonal; β is 1 if not given. */
  solve(scores: GpuTensor, beta: Operand | undefined): GpuTensor {
    const solved = this.temporary([this.heads, this.chunks, chunkTokens, chunkTokens]);
    const rows = beta ?? { share: 1, head: 0, row: 0, rows: 0, first: 0 };
    this.#run(
      `chunk solve ${!!beta}`,
      () => solveProgram(!!beta),
      solveParams.fill({
        ...{ chunks: this.chunks, betaShare: rows.share, betaHead: rows.head, betaRow: rows.row },
        ...{ betaRows: rows.rows, betaFirst: rows.first },
      }),
      [
        { buffer: scores.buffer },
        { buffer: solved.buffer, written: true },
        { buffer: (beta?.tensor ?? scores).buffer },
      ],
      [1, this.chunks, this.heads],
    );
    return solved;
  }

  /** scores · v + scale · q · state, or scale · q less scores · v; to rows of `out`. */
  reads(
    given: {
      readonly own?: { readonly scores: GpuTensor; readonly v: Faded };
      readonly state?: { readonly q: Faded; readonly s: Operand };
      readonly from?: Faded;
    },
    out: Operand,
    scale: number,
  ): void {
    const { own, state, from } = given;
    const { gating } = this.gates;
    const shape = this.#for(out.columns);
    const program: Reads = {
      own: own && { v: seen(own.v.rows), side: own.v.side },
      state: state && { q: seen(state.q.rows), s: seen(state.s), side: state.q.side },
      from: from && { q: seen(from.rows), side: from.side },
      ...{ out: seen(out), gating, shape },
    };
    const q = state?.q.rows ?? from?.rows;
    const none = (q ?? own?.v.rows)!;
    const [v, s] = [own?.v.rows ?? none, state?.s ?? none];
    this.#run(
      `chunk reads ${JSON.stringify(program)}`,
      () => readsProgram(program),
      readsParams.fill({
        ...{ chunks: this.chunks, width4: this.width4, fadeShare: this.heads / this.states, rowTiles: 1, scale },
        ...{ depth: this.width, ...values("v", v), ...values("q", q ?? none) },
        ...{ ...values("s", s), ...values("out", out) },
      }),
      [
        { buffer: out.tensor.buffer, written: true },
        ...[own?.scores ?? none.tensor, v.tensor, (q ?? none).tensor, s.tensor, this.#fades ?? none.tensor].map(
          ({ buffer }) => ({ buffer }),
        ),
      ],
      [Math.ceil(out.columns / columnsOf(shape)), this.chunks, this.heads],
    );
  }

  #for(columns: number): TileShape {
    return columns <= columnsOf(narrowShape) ? narrowShape : this.#shape;
  }

  #run(
    key: string,
    code: () => string,
    params: ArrayBuffer,
    bindings: readonly Binding[],
    workgroups: readonly [number, number, number],
  ): void {
    this.call.device.run({ key, code, params, bindings, workgroups });
  }
}
