import type { Vector } from "./rotary.ts";
import { mean } from "./words.ts";

/** x / √(mean of x² + ε) over `n` coordinates; a gain is the page's own factor. */
export function rmsNorm(n: number, x: Vector, epsilon: number): Vector {
  const size = Math.sqrt(mean(n, (i) => x(i) ** 2) + epsilon);
  return (i) => x(i) / size;
}

/** (x − mean) / √(variance + ε) over `n` coordinates, with the variance divided by `n`; gain and shift are the page's own. */
export function layerNorm(n: number, x: Vector, epsilon: number): Vector {
  const centre = mean(n, x);
  const size = Math.sqrt(mean(n, (i) => (x(i) - centre) ** 2) + epsilon);
  return (i) => (x(i) - centre) / size;
}
