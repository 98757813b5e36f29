import type { TensorData } from "./tensors.ts";

/** Reorders elements stored with the first axis fastest into C order, the last axis fastest. */
export function fromFortranOrder(data: TensorData, shape: readonly number[]): TensorData {
  const ordered = data.slice();
  const strides = fortranStrides(shape);
  const index = new Array<number>(shape.length).fill(0);
  let source = 0;
  for (let target = 0; target < data.length; target++) {
    ordered[target] = data[source]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis]! += 1;
      source += strides[axis]!;
      if (index[axis]! < shape[axis]!) break;
      source -= shape[axis]! * strides[axis]!;
      index[axis] = 0;
    }
  }
  return ordered;
}

function fortranStrides(shape: readonly number[]): number[] {
  let stride = 1;
  return shape.map((length) => {
    const own = stride;
    stride *= length;
    return own;
  });
}
