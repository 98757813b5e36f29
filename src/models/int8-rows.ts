/** Rows of bytes with one scale a row. */

/** Numbers in two's complement, row after row, and the rows' scales. */
export interface Int8Rows {
  readonly bytes: Uint8Array;
  readonly scales: Float32Array;
}

/**
 * Rounds values [rows, columns], or with `turned` [columns, rows]: a number is the value over its row's scale, to the nearest
 * integer, halves away from zero; the scale is the largest size of the row over 127, in float32. As `quantise` of
 * attnspec/wasm has them.
 */
export function toInt8(values: Float32Array, rows: number, columns: number, turned = false): Int8Rows {
  const bytes = new Uint8Array(rows * columns);
  const scales = new Float32Array(rows);
  const [across, along] = turned ? [1, rows] : [columns, 1];
  for (let row = 0, to = 0; row < rows; row++) {
    let top = 0;
    const first = row * across;
    for (let i = 0, at = first; i < columns; i++, at += along) top = Math.max(top, Math.abs(values[at]!));
    scales[row] = top / 127;
    const scale = scales[row]!;
    if (scale === 0) to += columns;
    else
      for (let i = 0, at = first; i < columns; i++, at += along) {
        const steps = values[at]! / scale;
        const number = steps < 0 ? Math.ceil(steps - 0.5) : Math.floor(steps + 0.5);
        bytes[to++] = Math.min(127, Math.max(-127, number));
      }
  }
  return { bytes, scales };
}
