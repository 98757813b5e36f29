/** Vectors from the features of all tokens, [texts, tokens, width]: the mean over tokens, of length 1. */
export function pooled(features: Float32Array, texts: number, width: number): Float32Array[] {
  const tokens = features.length / texts / width;
  return Array.from({ length: texts }, (_, text) => {
    const mean = new Float32Array(width);
    const own = features.subarray(text * tokens * width, (text + 1) * tokens * width);
    own.forEach((value, i) => {
      mean[i % width]! += value / tokens;
    });
    const length = Math.hypot(...mean);
    return mean.map((value) => value / length);
  });
}

/** Token ids as ONNX takes them. */
export const whole = (values: readonly number[]): BigInt64Array => BigInt64Array.from(values, BigInt);
