/** Linear attention in chunks, all at once but for the pass that carries the state. */
import type { GpuCall } from "../call.ts";
import { Chunks, chunkRows, chunksAtOnce } from "../chunks/chunks.ts";
import type { FadeSide } from "../chunks/fades.ts";
import type { Operand } from "../chunks/operands.ts";
import { chunkTokens, type TileShape } from "../chunks/tile.ts";
import { runs } from "../parts.ts";
import type { Linear, Rows } from "./job.ts";

/** From so many tokens on the dispatches of chunks take less than as many steps. */
const many = 32;

/** Whether to go in chunks; `asked` is the length that the caller wants, which is held to. */
export function goesInChunks(call: GpuCall, linear: Linear, asked: number | undefined): boolean {
  const { sizes, fades, gates } = linear;
  if (gates && fades === "value") return false;
  if (asked === 1 || sizes.keys === 0 || !chunksAtOnce(call.device, bytes(linear))) return false;
  return asked !== undefined || Math.max(sizes.keys, sizes.queries) >= many;
}

/** What a chunk keeps on the way, at most in one piece. */
function bytes({ sizes, parts }: Linear): number {
  const columns = Math.max(...parts.map(({ columns }) => columns));
  return (
    4 * Math.max(sizes.states * sizes.width * (columns + 3), sizes.heads * chunkTokens * Math.max(64, sizes.width + 3))
  );
}

export function chunks(call: GpuCall, linear: Linear, shape?: TileShape): void {
  const { sizes, scale, before, causal, bonus, bonusHeads } = linear;
  const { heads, states, keys, queries, width } = sizes;
  const readers = heads / states;
  const gating = linear.gates && linear.fades !== "value" ? linear.fades : "none";
  const offset = causal ? keys - queries : 0;
  // Queries that stand before the first key come after as many tokens that write nothing.
  const pad = Math.max(0, -offset);
  const together = chunksAtOnce(call.device, bytes(linear));
  for (const [start, count] of runs(Math.ceil((keys + pad) / chunkTokens), together)) {
    const first = start * chunkTokens;
    const [keyFirst, queryFirst] = [first - pad, first - pad - offset];
    const ofKeys = (rows: Rows, share: number, columns: number): Operand =>
      chunkRows({ ...rows, share, rows: keys, columns, first: keyFirst });
    const c = new Chunks(
      call,
      { chunks: count, heads, states, width },
      {
        ...{ gating, logs: linear.logs },
        rows: linear.gates && ofKeys(linear.gates, states / sizes.gateHeads, sizes.gateWidth),
      },
      shape,
    );
    const [k, kOfHeads] = [states, heads].map((all) => ofKeys(linear.k, all / sizes.kHeads, width)) as [
      Operand,
      Operand,
    ];
    const q = chunkRows({ ...linear.q, share: heads / sizes.qHeads, rows: queries, columns: width, first: queryFirst });
    if (gating === "token") c.tokenFades();
    const channels = gating === "channel";
    const side: FadeSide | undefined = gating === "none" ? undefined : before ? "early" : "before";
    const kFaded = channels ? c.channelRows(k, "states", true, false) : k;
    const qFaded = channels && causal ? c.channelRows(q, "heads", false, before) : q;
    const own = causal
      ? c.scores(qFaded, channels ? { ...kFaded, share: readers } : kOfHeads, before ? "before" : "own", scale, {
          ...{ q, k: kOfHeads },
        })
      : undefined;
    if (own && bonus) c.bonus(own, q, kOfHeads, bonus, heads / bonusHeads, scale);
    for (const { values, columns, out, state, fresh } of linear.parts) {
      const rows = values ?? { tensor: call.on({ shape: [1], data: Float32Array.of(1) }, "float32"), head: 0, row: 0 };
      const ofValues = (all: number) => ofKeys(rows, values ? all / sizes.vHeads : 1, columns);
      const s = c.writes(kFaded, ofValues(states), "k");
      c.carry(s, state, columns, fresh && start === 0);
      if (!own) continue;
      const results = chunkRows({ ...out, share: 1, rows: queries, columns, first: queryFirst });
      const seen = { q: { rows: qFaded, side }, s: { ...s, share: readers } };
      c.reads({ own: { scores: own, v: { rows: ofValues(heads), side: undefined } }, state: seen }, results, scale);
    }
    c.free();
  }
  if (causal) return;
  // All has been written: every query reads the state as it is.
  const all = new Chunks(
    call,
    { chunks: Math.ceil(queries / chunkTokens), heads, states, width },
    { gating: "none", rows: undefined, logs: false },
    shape,
  );
  for (const { columns, out, state } of linear.parts) {
    const q = chunkRows({ ...linear.q, share: heads / sizes.qHeads, rows: queries, columns: width, first: 0 });
    const rows = chunkRows({ ...out, share: 1, rows: queries, columns, first: 0 });
    const s = { tensor: state, share: readers, head: width * columns, row: columns, rows: width, columns };
    all.reads({ state: { q: { rows: q, side: undefined }, s: { ...s, first: 0, step: 0, tall: width } } }, rows, scale);
  }
}
