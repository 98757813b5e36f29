import type { GpuCall } from "../call.ts";
import type { Device } from "../device.ts";
import { part } from "../parts.ts";
import type { GpuTensor } from "../tensor.ts";
import { halvingParams, halvingProgram } from "./halving-program.ts";
import { largestColumns, largestParams, largestProgram } from "./largest-program.ts";
import { type Halved, type Tiles, tileSize, upTo } from "./tiles.ts";

/** Matrices of one size. */
export interface Sized {
  readonly rows: number;
  readonly columns: number;
  readonly entries: number;
  readonly heads: number;
  /** Whether columns have scales of their own, else rows do: what is summed over in a product has none. */
  readonly byColumn: boolean;
  /** Tiles are added, all 0, until there are multiples of so many rows and columns. */
  readonly rowsTo: number;
  readonly columnsTo: number;
}

/** Where they lie: how far entries, heads and rows are from one another. */
export interface Strided {
  readonly tensor: GpuTensor;
  readonly entry: number;
  readonly head: number;
  readonly row: number;
  /** How many rows of each entry are read, where not all are: words of a buffer, from a place on. */
  readonly lengths?: { readonly buffer: GPUBuffer; readonly at: number } | undefined;
}

/** Where matrices will lie, one after the other, and what they take. */
export function place(tiles: Tiles, all: readonly Sized[]) {
  let [size, scales] = [0, 0];
  const halved = all.map((one): Halved => {
    const rows = upTo(one.rows, one.rowsTo);
    const columns = upTo(one.columns, one.columnsTo);
    const across = columns / tiles.edge;
    const apart = (rows / tiles.edge) * across * tileSize(tiles);
    const scalesApart = one.byColumn ? columns : rows;
    const at = { rows, columns, across, first: size, apart, scales, scalesApart };
    size += one.entries * one.heads * apart;
    scales += one.entries * one.heads * scalesApart;
    return at;
  });
  return { halved, bytes: 2 * size, scales };
}

/** Writes matrices as tiles, all into one buffer. */
export function halve(
  device: Device,
  call: GpuCall,
  tiles: Tiles,
  all: readonly (Sized & Strided)[],
): { readonly tiles: GpuTensor; readonly scales: GpuTensor; readonly halved: readonly Halved[] } {
  const { halved, bytes, scales } = place(tiles, all);
  const buffers = { tiles: call.temporary([bytes / 4], "float32"), scales: call.temporary([scales], "float32") };
  all.forEach((one, i) => {
    const { tensor, rows, columns, entries, heads, entry, head, row, byColumn } = one;
    const to = halved[i]!;
    const source = part(tensor, 0, tensor.size);
    const limited = one.lengths !== undefined;
    const lengths = { buffer: one.lengths?.buffer ?? device.nothing };
    const lengthsAt = one.lengths?.at ?? 0;
    const from = { rows, columns, source: source.first, entry, head, row, heads, lengthsAt };
    const vectors = [columns, entry, head, row].every((count) => count % 4 === 0);
    const count = entries * heads;
    // Few chunks, since whoever writes tiles looks at all; many rows in each where there are many.
    const each = Math.max(64, Math.ceil(rows / 16));
    const chunks = byColumn ? Math.ceil(rows / each) : 0;
    const largest = byColumn ? call.temporary([count, chunks, columns], "float32") : undefined;
    if (largest)
      device.run({
        key: `largest of columns ${vectors} ${limited}`,
        code: () => largestProgram(vectors, limited),
        params: largestParams.fill({ ...from, each, chunks }),
        bindings: [source, { buffer: largest.buffer, written: true }, lengths],
        workgroups: [Math.ceil(columns / largestColumns), chunks, count],
      });
    const program = { ...tiles, byColumn, vectors, limited };
    device.run({
      key: `halves ${JSON.stringify(program)}`,
      code: () => halvingProgram(program),
      params: halvingParams.fill({
        ...from,
        ...{ across: to.across, first: to.first, apart: to.apart },
        ...{ scales: to.scales, scalesApart: to.scalesApart, chunks },
      }),
      bindings: [
        source,
        { buffer: buffers.tiles.buffer, written: true },
        { buffer: buffers.scales.buffer, written: true },
        lengths,
        ...(largest ? [{ buffer: largest.buffer }] : []),
      ],
      workgroups: [to.rows / tiles.edge, count, 1],
    });
  });
  return { ...buffers, halved };
}
