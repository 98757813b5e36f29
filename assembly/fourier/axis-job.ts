/**
 * One call of transforms along an axis, as the caller writes it to memory: 4 bytes a field, in this order. Addresses and
 * strides are in bytes; an address of 0 is "not given".
 */
@unmanaged
export class AxisJob {
  plan: usize;
  re: usize;
  /** Imaginary parts, in the order of the real ones; 0 if not given. */
  im: usize;
  outRe: usize;
  /** Not stored if not given. */
  outIm: usize;
  /** Two buffers of 32 bytes a point. */
  scratch: usize;
  /** Neighbouring points, outer and inner transforms are so far apart. */
  point: i32;
  outer: i32;
  inner: i32;
  outerCount: i32;
  innerCount: i32;
  inverse: i32;
  /** What the result is multiplied by. */
  factor: f32;
}
