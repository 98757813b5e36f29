/** Number of elements of a shape, 1 for a scalar; inexact or infinite from 2^53 on, where no data can match it. */
export function elementCount(shape: readonly number[]): number {
  return shape.includes(0) ? 0 : shape.reduce((count, length) => count * length, 1);
}

/** A number of elements or bytes as errors print it. */
export function sizeText(size: number): string {
  return Number.isSafeInteger(size) ? `${size}` : "more than 2^53";
}

/** Whether a number can be the length of an axis: a whole number from 0 to 2^53 - 1. */
export function isAxisLength(length: number): boolean {
  return Number.isSafeInteger(length) && length >= 0;
}

/** The position along each axis of the element at a flat C-order index. */
export function indexAt(flat: number, shape: readonly number[]): number[] {
  const index = new Array<number>(shape.length).fill(0);
  let rest = flat;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const length = shape[axis]!;
    index[axis] = rest % length;
    rest = Math.floor(rest / length);
  }
  return index;
}
