/**
 * One call of a scan, as the caller writes it to memory: 4 bytes a field, in this order. Addresses are in bytes; an
 * address of 0 is "not given". All tensors are contiguous.
 */
@unmanaged
export class ScanJob {
  /** tokens × channels: what is written. */
  u: usize;
  /** tokens × channels: the steps. */
  delta: usize;
  /** A number for each channel, added to its steps. */
  bias: usize;
  /** channels × states: the rates. */
  a: usize;
  /** tokens × states: by what each state is written, and read. */
  b: usize;
  c: usize;
  /** A number for each channel: how much of `u` goes straight through. */
  d: usize;
  /** tokens × channels: the result is multiplied by the SiLU of it. */
  z: usize;
  /** channels × states, before and after; may be the same. */
  state: usize;
  last: usize;
  /** tokens × channels. */
  out: usize;
  scratch: usize;
  tokens: i32;
  channels: i32;
  states: i32;
  /** Whether the steps are the softplus of what is given. */
  softplus: i32;
}
