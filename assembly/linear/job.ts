/**
 * One call, as the caller writes it to memory: 4 bytes a field, in this order. Addresses and strides are in bytes; an
 * address of 0 is "not given".
 */
@unmanaged
export class LinearJob {
  q: usize;
  k: usize;
  v: usize;
  out: usize;
  gates: usize;
  /** u: what a token reads of its own key and value, channel by channel. */
  bonus: usize;
  /** states × width × valueWidth, changed in place. */
  state: usize;
  /** states × width, the faded sum of the keys, changed in place. */
  z: usize;
  /** heads × queries, what each query reads of z. */
  sums: usize;
  scratch: usize;
  /** Heads that read and heads that remember; neighbouring readers share a state. */
  heads: i32;
  states: i32;
  qHeads: i32;
  kHeads: i32;
  vHeads: i32;
  gateHeads: i32;
  bonusHeads: i32;
  queries: i32;
  keys: i32;
  width: i32;
  valueWidth: i32;
  /** Tokens that are worked on together. */
  chunk: i32;
  /** Query t reads what token t + offset has left; below 0 the state as it is given. */
  offset: i32;
  qHead: i32;
  qRow: i32;
  kHead: i32;
  kRow: i32;
  vHead: i32;
  vRow: i32;
  outHead: i32;
  outRow: i32;
  gateHead: i32;
  /** 0 where a head has one gate for all tokens. */
  gateRow: i32;
  /** Which channels have gates of their own: 0 none, 1 those of the keys, 2 those of the values. */
  channels: i32;
  /** Whether gates are given as logarithms. */
  logs: i32;
  /** Whether what is read is divided by the sums and epsilon. */
  divide: i32;
  scale: f32;
  epsilon: f32;
}

/** `channels` of a job whose values have the gates. */
export const VALUES: i32 = 2;

/** Where the values of a head stand in a tensor that has `given` heads for `heads`. */
@inline
export function headOf(head: i32, given: i32, heads: i32, stride: i32): usize {
  return <usize>((head * given) / heads) * <usize>stride;
}
