/** The delta rule in chunks: the systems of all are solved at once, then one pass carries the state. */
import type { GpuCall } from "../call.ts";
import { Chunks, chunkRows, chunksAtOnce, transits } from "../chunks/chunks.ts";
import type { Operand } from "../chunks/operands.ts";
import { chunkTokens, type TileShape } from "../chunks/tile.ts";
import { runs } from "../parts.ts";
import { interleaved } from "./interleave.ts";
import type { Delta, Rows } from "./job.ts";

/** From so many writes on the dispatches of chunks take less than as many steps. */
const many = 32;

/** Whether to go in chunks; `asked` is the length that the caller wants, which is held to. */
export function goesInChunks(call: GpuCall, delta: Delta, asked: number | undefined): boolean {
  const { tokens, writes, width, diagonal, betaWide, valueWidth, erase, heads } = delta;
  if (asked === 1 || diagonal || betaWide || !tokens || !valueWidth || !heads) return false;
  if (!transits(width) || !chunksAtOnce(call.device, bytes(delta))) return false;
  const most = call.device.gpu.limits.maxStorageBufferBindingSize;
  if (erase && 8 * Math.max(delta.k.tensor.size, delta.v.tensor.size) > most) return false;
  return asked !== undefined || tokens * writes >= many;
}

/** What a chunk keeps on the way, at most in one piece. */
const bytes = ({ heads, width, valueWidth }: Delta): number =>
  4 * heads * Math.max(width, chunkTokens) * (Math.max(width, valueWidth, chunkTokens) + 3);

export function chunks(call: GpuCall, given: Delta, shape?: TileShape): void {
  const delta = given.erase ? interleaved(call, given) : given;
  const { heads, keyHeads, tokens, writes, width, valueWidth, scale, readBefore, gate, state } = delta;
  const gating = gate ? (delta.gateWide ? "channel" : "token") : "none";
  const all = tokens * writes;
  const share = heads / keyHeads;
  for (const [start, count] of runs(Math.ceil(all / chunkTokens), chunksAtOnce(call.device, bytes(delta)))) {
    const first = start * chunkTokens;
    const operand = (rows: Rows, shared: number, columns: number): Operand =>
      chunkRows({ ...rows, share: shared, rows: all, columns, first });
    const ofTokens = (rows: Rows, shared: number, columns: number): Operand => ({
      ...operand(rows, shared, columns),
      ...{ rows: tokens, every: writes },
    });
    const c = new Chunks(
      call,
      { chunks: count, heads, states: heads, width },
      { gating, logs: delta.logs, rows: gate && ofTokens(gate, 1, delta.gateWide ? width : 1) },
      shape,
    );
    const q = ofTokens(delta.q, share, width);
    const k = operand(delta.k, share, width);
    const read = operand(delta.read ?? delta.k, share, width);
    const v = operand(delta.v, 1, valueWidth);
    const beta = delta.beta && operand(delta.beta, 1, 1);
    if (gating === "token") c.tokenFades();
    const channels = gating === "channel";
    const faded = gating !== "none";
    const kFaded = channels ? c.channelRows(k, "states", true, false) : k;
    const qFaded = channels ? c.channelRows(q, "heads", false, false) : q;
    const readFaded = channels ? c.channelRows(read, "heads", false, readBefore) : read;
    // What each write finds of those before it, and so what it writes: U − W · state.
    const found = c.scores(readFaded, kFaded, readBefore ? "before" : "earlier", 1, { q: read, k });
    const solved = c.solve(found, beta);
    const [u, w] = [c.matrix(heads, chunkTokens, valueWidth), c.matrix(heads, chunkTokens, width)];
    c.reads({ own: { scores: solved, v: { rows: v, side: undefined } } }, u, 1);
    const readSide = faded ? (readBefore ? "early" : "before") : undefined;
    c.reads({ own: { scores: solved, v: { rows: readFaded, side: readSide } } }, w, 1);
    // What the queries find of the state: their own, less what is written for it.
    const scores = c.scores(qFaded, kFaded, "own", scale, { q, k });
    const asked = c.matrix(heads, chunkTokens, width);
    const from = { rows: qFaded, side: faded ? ("before" as const) : undefined };
    c.reads({ own: { scores, v: { rows: w, side: undefined } }, from }, asked, scale);
    const states = c.writes(kFaded, u, "k");
    c.carryThrough(c.writes(w, kFaded, "v", true), states, state, valueWidth, delta.fresh && start === 0);
    c.reads(
      { own: { scores, v: { rows: u, side: undefined } }, state: { q: { rows: asked, side: undefined }, s: states } },
      { ...ofTokens(delta.out, 1, valueWidth) },
      1,
    );
    c.free();
  }
}
