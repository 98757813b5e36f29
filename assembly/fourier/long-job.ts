/**
 * One call of a long convolution, as the caller writes it to memory: 4 bytes a field, in this order. Addresses and strides
 * are in bytes; an address of 0 is "not given". All tensors are contiguous but for the rows of the taps.
 */
@unmanaged
export class LongJob {
  /** For transforms of at least half of tokens + taps + behind − 1 points. */
  plan: usize;
  /** For each of its points, e^(πi point / (2 points)), as cosine and sine. */
  angles: usize;
  /** tokens × channels. */
  u: usize;
  /** For each channel its taps: the first acts on the token itself, the next on the one before. */
  taps: usize;
  /** For each channel the taps of the other side: the first acts on the next token. */
  behind: usize;
  /** A number for each channel: how much of `u` goes straight through. */
  d: usize;
  /** tokens × channels. */
  out: usize;
  /** Three buffers of 32 bytes a point. */
  scratch: usize;
  tokens: i32;
  channels: i32;
  tapCount: i32;
  behindCount: i32;
  /** From one channel's taps to the next one's; 0 if all have the same. */
  tapRow: i32;
  behindRow: i32;
}
