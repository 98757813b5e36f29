/** Words and numbers beside a picture, the same as it is built and in the browser. */

/** Words of the sentence as a reader knows them. */
export const word = (token: string): string => (token === "[CLS]" ? "⟨start⟩" : token === "[SEP]" ? "⟨end⟩" : token);

/** A number short enough for a label. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return value > 0 ? "∞" : value < 0 ? "−∞" : "–";
  const text = Number.isInteger(value) && Math.abs(value) < 1e6 ? String(value) : String(Number(value.toPrecision(3)));
  return text.replace(/^-/, "−").replace(/e-/, "e−");
}
