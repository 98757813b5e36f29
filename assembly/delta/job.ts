/**
 * One call, as the caller writes it to memory: 4 bytes a field, in this order. Addresses and strides are in bytes; an
 * address of 0 is "not given".
 *
 * For each head, with S of width × valueWidth and `writes` writes for each of the tokens:
 * u = beta · (v − Sᵀ p), S ← decay · S + k uᵀ (+ addK addVᵀ), where p reads S after it has decayed, or `before`; the
 * decay is that of the first write of a token; out = scale · Sᵀ q after its last write.
 */
@unmanaged
export class Job {
  q: usize;
  /** The keys at which is written. */
  k: usize;
  /** The keys at which is read what a write takes away; 0: those of k. */
  p: usize;
  /** 0: zeros. */
  v: usize;
  /** 0: ones. */
  beta: usize;
  /** 0: nothing decays. */
  gate: usize;
  /** Keys and values of a second write that takes nothing away; 0 for none. */
  addK: usize;
  addV: usize;
  /** heads × width × valueWidth numbers, before the first token and, in place, after the last. */
  state: usize;
  out: usize;
  scratch: usize;
  heads: i32;
  keyHeads: i32;
  tokens: i32;
  writes: i32;
  width: i32;
  valueWidth: i32;
  /** Writes that are solved together. */
  chunk: i32;
  qHead: i32;
  qRow: i32;
  kHead: i32;
  kRow: i32;
  vHead: i32;
  vRow: i32;
  outHead: i32;
  outRow: i32;
  betaHead: i32;
  betaRow: i32;
  /** Whether each column of the values has a beta of its own. */
  betaWide: i32;
  gateHead: i32;
  gateRow: i32;
  /** Whether each row of the state has a decay of its own. */
  gateWide: i32;
  /** Whether gates are logarithms of decays, rather than decays. */
  logs: i32;
  before: i32;
  /** Whether each row reads and writes for itself: only the diagonal of k pᵀ is kept. */
  diagonal: i32;
  scale: f32;
}
