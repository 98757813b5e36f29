import type { Arena } from "./arena.ts";
import { calling } from "./call.ts";
import { type Checks, type Shaped, shown } from "./checks.ts";
import type { MapOptions } from "./elementwise.ts";
import type { Exports } from "./exports.ts";
import type { Floats, Halves, Integers } from "./tensor.ts";

/**
 * Rows of a table by their numbers, as the lookup of embeddings: table [V, D] and indices [...] give [..., D] in float32.
 * The table may hold 2-byte floats.
 *
 * @throws KernelError naming the argument whose shape or values do not fit, an index outside the table among them.
 */
export function gather(
  exports: Exports,
  arena: Arena,
  table: Floats | Halves,
  indices: Integers,
  options: MapOptions = {},
): Floats {
  return calling("gather", arena, (call) => {
    const { halves, bfloat, width } = measureGather(call, table, indices);
    const count = indices.data.length;
    const at = call.addressOfBytes(new Uint8Array(indices.data.buffer, indices.data.byteOffset, 4 * count));
    const shape = [...indices.shape, width];
    const into = options.into;
    if (halves) {
      const { buffer, byteOffset, byteLength } = (table as Halves).data;
      const source = call.addressOfBytes(new Uint8Array(buffer, byteOffset, byteLength));
      const target = call.target("into", shape, into, {});
      exports.gatherHalves(source, at, target.address, count, width, bfloat);
      return call.result(target, into);
    }
    const source = call.addressOf("table", table as Floats);
    const target = call.target("into", shape, into, { table: table as Floats });
    exports.gather(source, at, target.address, count, width);
    return call.result(target, into);
  });
}

/** What a table holds and how wide it is, checked as the indices are: those that are here. */
export function measureGather(call: Checks, table: Shaped, indices: Shaped) {
  const halves = "format" in table;
  call.check("table", table, halves ? Uint16Array : Float32Array);
  const bfloat = halves ? call.choose("format", String(table.format), ["float16", "bfloat16"]) : 0;
  if (table.shape.length !== 2) call.fail("table", `table has shape ${shown(table.shape)}, expected [V, D]`);
  const [height, width] = table.shape as [number, number];
  call.check("indices", indices, Int32Array);
  const wrong = (indices.data as Int32Array | undefined)?.find((index) => index < 0 || index >= height);
  if (wrong !== undefined) call.fail("indices", `indices holds ${wrong}, but the table has rows 0 to ${height - 1}`);
  return { halves, bfloat, height, width };
}
