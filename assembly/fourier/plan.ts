/**
 * How a transform of one length goes, as the caller writes it to memory: 4 bytes a field, in this order. The tables are
 * worked out by the caller, in float64.
 */
@unmanaged
export class Plan {
  /** Points, the product of the radices. */
  length: i32;
  /** How many radices there are, and where: one i32 each. */
  stages: i32;
  radices: usize;
  /**
   * For each stage, with m points left (all of them in the first) and radix r: e^(−2πi pj/m) for p < m/r and, within it,
   * 0 < j < r, as cosine and sine.
   */
  turns: usize;
  /** For each stage e^(−2πi k/r) for k < r. */
  roots: usize;
}
