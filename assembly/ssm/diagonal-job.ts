/**
 * One call of a diagonal system, as the caller writes it to memory: 4 bytes a field, in this order. Addresses are in
 * bytes; an address of 0 is "not given". All tensors are contiguous.
 */
@unmanaged
export class DiagonalJob {
  /** Seven tables of channels × states, which stay in this order; what is not given is 0. */
  state: usize;
  stateIm: usize;
  keep: usize;
  keepIm: usize;
  write: usize;
  read: usize;
  readIm: usize;
  /** tokens × channels. */
  u: usize;
  /** A number for each channel: how much of `u` goes straight through. */
  d: usize;
  out: usize;
  /** The states after the last token; may be the tables of those before. */
  last: usize;
  lastIm: usize;
  scratch: usize;
  tokens: i32;
  channels: i32;
  states: i32;
  /** Whether the numbers have imaginary parts; if not, those are not read. */
  complex: i32;
}
