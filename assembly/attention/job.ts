/**
 * One call, as the caller writes it to memory: 4 bytes a field, in this order. Addresses and strides are in bytes; an
 * address of 0 is "not given".
 */
@unmanaged
export class Job {
  q: usize;
  k: usize;
  v: usize;
  out: usize;
  /** Log-sum-exps, the queries of a head one after the other. */
  lse: usize;
  /** One byte a key, not 0 where it is seen. */
  mask: usize;
  bias: usize;
  /** For each head a score that takes its share of the softmax and has no value. */
  sinks: usize;
  /** For each head what a score loses for each place of distance. */
  slopes: usize;
  /** For each head a bias for each distance from −reach to reach of key and query; further ones take the outermost. */
  relative: usize;
  /** One byte for each block of queries and block of keys, 0 where none of its keys is seen. */
  blocks: usize;
  scratch: usize;
  heads: i32;
  keyHeads: i32;
  queries: i32;
  keys: i32;
  width: i32;
  valueWidth: i32;
  qHead: i32;
  qRow: i32;
  kHead: i32;
  kRow: i32;
  vHead: i32;
  vRow: i32;
  outHead: i32;
  outRow: i32;
  lseHead: i32;
  maskHead: i32;
  maskRow: i32;
  maskKey: i32;
  biasHead: i32;
  biasRow: i32;
  biasKey: i32;
  reach: i32;
  blockHead: i32;
  blockRow: i32;
  /** Queries and keys of a block. */
  blockQueries: i32;
  blockKeys: i32;
  /** The most keys that any of the queries may see, from the first to the last. */
  span: i32;
  /** Query t stands at key t + offset. */
  offset: i32;
  /** How many keys a query sees before its place, and how many after it. */
  left: i32;
  right: i32;
  scale: f32;
  /** Bound on the scores; +∞ for none. */
  cap: f32;
}
