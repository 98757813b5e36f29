import type { Arena } from "../arena.ts";
import type { Attended } from "../attention/options.ts";
import { calling } from "../call.ts";
import { type Checks, type Shaped, shown, sizeOf } from "../checks.ts";
import type { Exports } from "../exports.ts";
import type { WasmTensor } from "../tensor.ts";

export interface MergeOptions {
  /** How the results were asked for: [H, Tq, E] (default) or [Tq, H, E], either with a batch before. */
  readonly layout?: "heads-first" | "tokens-first" | undefined;
  /** A tensor of the kernels' memory for the result; may not overlap the parts. Default: the result is a copy outside. */
  readonly into?: WasmTensor | undefined;
}

/**
 * Results of the same queries over disjoint sets of keys become the result over all keys, up to rounding: so keys can
 * be split over calls, workers or machines. A sink belongs to one of the parts only. A part that saw nothing adds
 * nothing.
 *
 * @throws KernelError naming the argument if there is no part, or their shapes differ.
 */
export function merge(
  exports: Exports,
  arena: Arena,
  parts: readonly Attended[],
  { layout = "heads-first", into }: MergeOptions = {},
): Attended {
  return calling("merge", arena, (call) => {
    const { batch, heads, queries, width, tokensFirst } = measureMerge(call, parts, layout);
    const { out: one, lse: two } = parts[0]!;
    const rows = heads * queries;
    const named = Object.fromEntries(parts.map(({ out }, p) => [`parts[${p}].out`, out]));
    const target = call.target("into", one.shape, into, named);
    const lse = call.region.tensor(two.shape);
    const outs = call.region.tensor([parts.length, batch * rows * width]);
    const lses = call.region.tensor([parts.length, batch * rows]);
    parts.forEach((part, p) => {
      outs.data.set(part.out.data, p * batch * rows * width);
      lses.data.set(part.lse.data, p * batch * rows);
    });
    for (let entry = 0; entry < batch; entry++)
      exports.merge(
        ...([outs.address + 4 * entry * rows * width, 4 * batch * rows * width] as const),
        ...([lses.address + 4 * entry * rows, 4 * batch * rows] as const),
        ...([parts.length, heads, queries, width] as const),
        ...([4 * (tokensFirst ? width : queries * width), 4 * (tokensFirst ? heads * width : width)] as const),
        4 * queries,
        ...([target.address + 4 * entry * rows * width, lse.address + 4 * entry * rows] as const),
      );
    return { out: call.result(target, into), lse: call.result(lse, undefined) };
  });
}

/** The lengths of the parts, which are checked. */
export function measureMerge(
  call: Checks,
  parts: readonly { readonly out: Shaped; readonly lse: Shaped }[],
  layout: string,
) {
  if (!Array.isArray(parts) || parts.length === 0)
    call.fail("parts", "parts must be at least one result of attention or decode, each { out, lse }");
  const tokensFirst = call.choose("layout", layout, ["heads-first", "tokens-first"]) === 1;
  const { out: one, lse: two } = parts[0]!;
  parts.forEach(({ out, lse }, p) => {
    call.check("parts", out, Float32Array);
    call.check("parts", lse, Float32Array);
    if (out.shape.join() !== one.shape.join() || lse.shape.join() !== two.shape.join())
      call.fail(
        "parts",
        `parts[${p}] has shapes ${shown(out.shape)} and ${shown(lse.shape)}, but parts[0] ${shown(one.shape)} and ${shown(two.shape)}`,
      );
  });
  const [heads, queries] = two.shape.slice(-2) as [number, number];
  const [lead, width] = [two.shape.slice(0, -2), one.shape.at(-1)!];
  const expected = [...lead, ...(tokensFirst ? [queries, heads] : [heads, queries]), width];
  if (two.shape.length < 2 || one.shape.join() !== expected.join())
    call.fail(
      "parts",
      `parts[0].out has shape ${shown(one.shape)}, but its lse ${shown(two.shape)} goes with ${shown(expected)}`,
    );
  const batch = sizeOf(lead);
  return { batch, heads, queries, width, tokensFirst };
}
