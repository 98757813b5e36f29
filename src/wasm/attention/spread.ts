/** Biases and masks, which may lack any of the leading axes. */
import { type Checks, type Shaped, shown } from "../checks.ts";
import type { Blocks } from "./options.ts";
import type { Sizes } from "./sizes.ts";

/** How many elements apart the entries, heads, queries and keys are; 0 along an axis that is not there. */
export interface Strides {
  readonly entry: number;
  readonly head: number;
  readonly row: number;
  readonly key: number;
}

export function spread(
  call: Checks,
  name: "bias" | "mask",
  tensor: Shaped | undefined,
  { batch, batched, heads, queries, keys }: Sizes,
): Strides {
  if (!tensor) return { entry: 0, head: 0, row: 0, key: 0 };
  call.check(name, tensor, name === "bias" ? Float32Array : Uint8Array);
  const { shape } = tensor;
  const whole = batched ? [batch, heads, queries, keys] : [heads, queries, keys];
  const axes = shape.length;
  if (axes < 1 || axes > whole.length || shape.join() !== whole.slice(-axes).join())
    call.fail(
      name,
      `${name} has shape ${shown(shape)}, expected [Tk] = [${keys}], [Tq, Tk] or ${batched ? "[B, H, Tq, Tk]" : "[H, Tq, Tk]"} = ${shown(whole)}`,
    );
  return {
    entry: axes === 4 ? heads * queries * keys : 0,
    head: axes >= 3 ? queries * keys : 0,
    row: axes >= 2 ? keys : 0,
    key: 1,
  };
}

/** The distances between heads and between rows of the blocks, which are checked. */
export function spreadBlocks(call: Checks, blocks: Blocks | undefined, { heads, queries, keys }: Sizes) {
  if (!blocks) return { blockHead: 0, blockRow: 0, blockQueries: 1, blockKeys: 1 };
  for (const name of ["queries", "keys"] as const)
    if (!Number.isSafeInteger(blocks[name]) || blocks[name] < 1)
      call.fail("blocks", `blocks.${name} must be a whole number above 0, got ${blocks[name]}`);
  call.check("blocks", blocks.seen, Uint8Array);
  const { shape } = blocks.seen;
  const [tall, wide] = [Math.ceil(queries / blocks.queries), Math.ceil(keys / blocks.keys)];
  const expected = [heads, tall, wide];
  if (shape.length < 2 || shape.length > 3 || shape.join() !== expected.slice(-shape.length).join())
    call.fail(
      "blocks",
      `blocks.seen has shape ${shown(shape)}, expected [⌈Tq / ${blocks.queries}⌉, ⌈Tk / ${blocks.keys}⌉] = ${shown([tall, wide])}, or ${shown(expected)} with H before`,
    );
  return {
    blockHead: shape.length === 3 ? tall * wide : 0,
    blockRow: wide,
    blockQueries: blocks.queries,
    blockKeys: blocks.keys,
  };
}
