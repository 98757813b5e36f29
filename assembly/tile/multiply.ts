/**
 * The hot loop of matrix products and attention: C = factors · C + A · B for rows of eight columns.
 *
 * B is a panel: `depth` times 8 floats, one after the other. A comes in `groups`: for each step of the depth the values
 * of a group's rows side by side; groups begin `aGroup` bytes apart. How many rows a group has, and how they are loaded,
 * differs between engines: what is fastest in one is slow in another. Every variant adds up in the same order, so that results are the same bits.
 *
 * Rows of C are `cStep` bytes apart. Without `factors` (0) C is not read; else what it holds, each column times its own of
 * eight factors, is added last, so that the sums do not wait for it.
 */
import { four } from "./four";
import { shuffled } from "./shuffled";
import { six } from "./six";

const FOUR = 0;
const SIX = 1;
const SHUFFLED = 2;

let variant: i32 = FOUR;

/** Chooses how tiles are made: 0 four rows, 1 six rows, 2 four rows loaded at once. Between calls at any time. */
export function chooseTile(which: i32): void {
  variant = which;
}

/** Rows of a group. */
export function groupRows(): i32 {
  return variant === SIX ? 6 : 4;
}

export function multiply(
  a: usize,
  aGroup: usize,
  groups: i32,
  b: usize,
  depth: i32,
  c: usize,
  cStep: usize,
  factors: usize,
): void {
  if (variant === SIX) six(a, aGroup, groups, b, depth, c, cStep, factors);
  else if (variant === SHUFFLED) shuffled(a, aGroup, groups, b, depth, c, cStep, factors);
  else four(a, aGroup, groups, b, depth, c, cStep, factors);
}
