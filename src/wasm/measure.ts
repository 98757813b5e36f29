import type { Call } from "./call.ts";
import { type Checks, type Shaped, shown } from "./checks.ts";
import type { Floats } from "./tensor.ts";

type LettersOf<Shape extends string> = Shape extends `${infer Given}?`
  ? LettersOf<Given>
  : Shape extends `${infer First} ${infer Rest}`
    ? First | LettersOf<Rest>
    : Shape;

/**
 * Checks tensors against shapes in letters, such as `T C`, of which equal ones are equal lengths, and gives the lengths by
 * letter. Tensors whose shape ends in `?` may be left out.
 */
export function measure<const Shapes extends Readonly<Record<string, string>>>(
  call: Checks,
  shapes: Shapes,
  tensors: Readonly<Record<keyof Shapes & string, Shaped | undefined>>,
): Readonly<Record<LettersOf<Shapes[keyof Shapes & string]>, number>> {
  const found: Record<string, { readonly by: string; readonly length: number }> = {};
  for (const [name, text] of Object.entries(shapes) as [keyof Shapes & string, string][]) {
    const tensor = tensors[name];
    if (tensor === undefined && text.endsWith("?")) continue;
    const letters = text.replace("?", "").split(" ");
    if (tensor === undefined) call.fail(name, `${name} is missing; expected { shape: ${shown(letters)}, data }`);
    call.check(name, tensor, Float32Array);
    if (tensor.shape.length !== letters.length)
      call.fail(name, `${name} has shape ${shown(tensor.shape)}, expected ${shown(letters)}`);
    letters.forEach((letter, axis) => {
      const length = tensor.shape[axis]!;
      const before = found[letter];
      if (before && before.length !== length)
        call.fail(
          name,
          `${name} has ${letter} = ${length}, but ${before.by} has ${letter} = ${before.length}; expected ${shown(letters)}, got ${shown(tensor.shape)}`,
        );
      found[letter] ??= { by: name, length };
    });
  }
  return Object.fromEntries(Object.entries(found).map(([letter, { length }]) => [letter, length])) as Record<
    LettersOf<Shapes[keyof Shapes & string]>,
    number
  >;
}

/** The address of a tensor that may be left out: then 0. */
export const optional = (call: Call, name: string, tensor: Floats | undefined): number =>
  tensor ? call.addressOf(name, tensor) : 0;
