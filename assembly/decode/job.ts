/**
 * One call, as the caller writes it to memory: 4 bytes a field, in this order. Addresses and strides are in bytes; an
 * address of 0 is "not given".
 *
 * Key s stands in slot s mod `pageKeys` of page s / `pageKeys`. Entry e of the page table places the page: its keys
 * begin at k + e · `kPage`, its values and scales likewise. Entries may be numbers of pages in a pool, or addresses of
 * pages with strides of 1 (`k` is then where the keys begin in a page). Without a table there is one page, at 0.
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
  /** For each key and key head what its integers are multiplied by; only read for integers. */
  kScales: usize;
  vScales: usize;
  pages: usize;
  scratch: usize;
  /** What keys and values are: 0 for float32, 1 for float16, 2 for int8. */
  type: i32;
  /** Whether float16 may be infinite or NaN. */
  special: i32;
  /** How whole numbers are multiplied: 0 in 16 bits, 1 and 2 by the engine's dot product of bytes without or with a sign. */
  dots: i32;
  heads: i32;
  keyHeads: i32;
  /** Key heads that are read side by side: all if a token's heads are neighbours in memory, else one. */
  together: i32;
  queries: i32;
  keys: i32;
  width: i32;
  valueWidth: i32;
  pageKeys: i32;
  qHead: i32;
  qRow: i32;
  kPage: i32;
  kHead: i32;
  kRow: i32;
  vPage: i32;
  vHead: i32;
  vRow: i32;
  scalePage: i32;
  scaleHead: i32;
  scaleRow: i32;
  outHead: i32;
  outRow: i32;
  lseHead: i32;
  maskHead: i32;
  maskRow: i32;
  biasHead: i32;
  biasRow: i32;
  /** Query t stands at key t + offset. */
  offset: i32;
  /** How many keys a query sees before its place, and how many after it. */
  left: i32;
  right: i32;
  scale: f32;
  /** Bound on the scores; +∞ for none. */
  cap: f32;
}
