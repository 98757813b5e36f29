/**
 * One call of state-space duality, as the caller writes it to memory: 4 bytes a field, in this order. Addresses are in
 * bytes; an address of 0 is "not given". All tensors are contiguous.
 */
@unmanaged
export class SsdJob {
  /** tokens × heads × width: what is written. */
  u: usize;
  /** tokens × heads: the steps. */
  delta: usize;
  /** A number for each head, added to its steps. */
  bias: usize;
  /** A rate for each head. */
  a: usize;
  /** tokens × groups × states: by what each state is written, and read. */
  b: usize;
  c: usize;
  /** A number for each head: how much of `u` goes straight through. */
  d: usize;
  /** heads × width × states, before and after; may be the same. */
  state: usize;
  last: usize;
  /** tokens × heads × width. */
  out: usize;
  scratch: usize;
  tokens: i32;
  heads: i32;
  groups: i32;
  width: i32;
  states: i32;
  /** Whether the steps are the softplus of what is given. */
  softplus: i32;
}
