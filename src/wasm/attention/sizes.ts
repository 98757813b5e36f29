import { type Checks, type Shaped, shown } from "../checks.ts";

/** Lengths of the axes of a call. */
export interface Sizes {
  /** 1 if there is no batch. */
  readonly batch: number;
  readonly batched: boolean;
  readonly heads: number;
  readonly keyHeads: number;
  readonly queries: number;
  readonly keys: number;
  readonly width: number;
  readonly valueWidth: number;
}

const axes = { q: ["H", "Tq", "D"], k: ["Hk", "Tk", "D"], v: ["Hk", "Tk", "E"] } as const;

/** Reads the lengths off q, k and v, and checks that they agree. */
export function measure(call: Checks, inputs: { q: Shaped; k: Shaped; v: Shaped }, tokensFirst: boolean): Sizes {
  const found: Record<string, { readonly by: string; readonly length: number }> = {};
  let batched = false;
  for (const name of ["q", "k", "v"] as const) {
    const [head, token, last] = axes[name];
    const letters: string[] = tokensFirst ? [token, head, last] : [head, token, last];
    call.check(name, inputs[name], Float32Array);
    const { shape } = inputs[name];
    if (name === "q") batched = shape.length === 4;
    if (batched) letters.unshift("B");
    if (shape.length !== letters.length)
      call.fail(name, `${name} has shape ${shown(shape)}, expected ${shown(letters)}; one head is an axis of 1`);
    letters.forEach((letter, axis) => {
      const length = shape[axis]!;
      const before = found[letter];
      if (before && before.length !== length)
        call.fail(name, `${name} has ${letter} = ${length}, but ${before.by} has ${letter} = ${before.length}`);
      found[letter] = { by: name, length };
    });
  }
  const of = (letter: string) => found[letter]!.length;
  const [heads, keyHeads, keys, width, valueWidth] = [of("H"), of("Hk"), of("Tk"), of("D"), of("E")];
  if (keyHeads === 0 || heads % keyHeads !== 0)
    call.fail("q", `H must be a multiple of Hk: got H = ${heads}, Hk = ${keyHeads}`);
  if (keys > 2 ** 24) call.fail("k", `k has ${keys} keys; at most 2^24 are supported: split them over calls`);
  if (4 * keys * (width + valueWidth + 8) > 2 ** 32)
    call.fail("k", `one head of k and v does not fit in the 4 GiB of a 32-bit memory: split the keys over calls`);
  return { batch: batched ? of("B") : 1, batched, heads, keyHeads, queries: of("Tq"), keys, width, valueWidth };
}
