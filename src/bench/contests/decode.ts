import type { RowType } from "../../wasm/decode/rows.ts";
import type { Contest, Contests, Ring } from "../contest.ts";

interface Shape {
  readonly type: RowType;
  readonly tokens: number;
  readonly width: number;
  /** Query heads that share a key head. */
  readonly shared: number;
}

const keyHeads = 8;
const bytesOf = { float32: 4, float16: 2, int8: 1 } as const;

/** One query against caches far larger than the second cache: 128 MiB in float32, and as many tokens in fewer bytes. */
export const decode: Contests = (ring) => {
  const shapes = (["float32", "float16", "int8"] as const).flatMap((type): Shape[] => [
    { type, tokens: 32768, width: 64, shared: 1 },
    { type, tokens: 16384, width: 128, shared: 1 },
    { type, tokens: 16384, width: 128, shared: 4 },
    { type, tokens: 16384, width: 128, shared: 8 },
  ]);
  return shapes.map((shape) => contest(ring, shape));
};

function contest({ kernels, region, drawn, blank }: Ring, { type, tokens, width, shared }: Shape): Contest {
  const heads = keyHeads * shared;
  const [q, into] = [drawn(heads, 1, width), blank(heads, 1, width)];
  // The same few tokens again and again: values do not change what a step costs.
  const few = drawn(keyHeads, 256, width);
  const cache = kernels.cache({ heads: keyHeads, width, type, region });
  for (let s = 0; s < tokens; s += 256) cache.append(few, few);
  return {
    name: `decode ${type} ${tokens} D=${width}${shared === 1 ? "" : ` ${heads}/${keyHeads} heads`}`,
    operations: 4 * heads * tokens * width,
    bytes: 2 * keyHeads * tokens * width * bytesOf[type],
    ours: () => cache.attend(q, { into }).out,
  };
}
