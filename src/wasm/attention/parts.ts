/** The sequences of a call, each of which sees only itself. */
import { type Checks, shown } from "../checks.ts";
import type { Packed } from "./options.ts";
import type { Sizes } from "./sizes.ts";

/** One sequence: where it stands in the batch and along the tokens, and how long it is. */
export interface Part {
  readonly entry: number;
  readonly query: number;
  readonly key: number;
  readonly queries: number;
  readonly keys: number;
}

export function parts(
  call: Checks,
  sizes: Sizes,
  lengths: ArrayLike<number> | undefined,
  packed: Packed | undefined,
): readonly Part[] {
  const { batch, batched, queries, keys } = sizes;
  if (packed) {
    if (batched || lengths)
      call.fail("packed", `packed goes with inputs of three axes and without lengths; pack the batch too, or split it`);
    const [from, of] = [starts(call, "queries", packed.queries, "Tq", queries), packed.keys ?? packed.queries];
    const at = starts(call, "keys", of, "Tk", keys);
    if (at.length !== from.length)
      call.fail(
        "packed",
        `packed.keys has ${at.length} numbers, but packed.queries ${from.length}; one a sequence and the end`,
      );
    return from.slice(1).map((end, i) => {
      const [query, key] = [from[i]!, at[i]!];
      return { entry: 0, query, key, queries: end - query, keys: at[i + 1]! - key };
    });
  }
  if (lengths && lengths.length !== batch)
    call.fail("lengths", `lengths has ${lengths.length} numbers, expected [B] = [${batch}]`);
  return Array.from({ length: batch }, (_, entry) => {
    const length = lengths ? lengths[entry]! : keys;
    if (!Number.isSafeInteger(length) || length < 0 || length > keys)
      call.fail("lengths", `lengths[${entry}] must be a whole number of keys from 0 to Tk = ${keys}, got ${length}`);
    return { entry, query: 0, key: 0, queries, keys: length };
  });
}

function starts(call: Checks, name: string, given: ArrayLike<number>, letter: string, total: number): number[] {
  const numbers = Array.from(given);
  const rises = numbers.every((n, i) => Number.isSafeInteger(n) && n >= (numbers[i - 1] ?? 0));
  if (!rises || numbers[0] !== 0 || numbers.at(-1) !== total)
    call.fail(
      "packed",
      `packed.${name} must rise in whole numbers from 0 to ${letter} = ${total}, got ${shown(numbers)}`,
    );
  return numbers;
}
