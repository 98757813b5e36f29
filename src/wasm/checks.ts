/** What is asked of the arguments of a call before any kernel sees them. */
import { KernelError } from "./error.ts";

/** A tensor as far as its checks go. */
export interface Shaped {
  readonly shape: readonly number[];
  readonly data?: unknown;
}
export type TensorArray =
  | typeof Float32Array
  | typeof Uint8Array
  | typeof Int32Array
  | typeof Uint16Array
  | typeof Int8Array;

/** Options as far as their checks go. */
export type Seen<O> = {
  readonly [Name in keyof O]: [O[Name]] extends [Shaped | undefined] ? Shaped | undefined : O[Name];
};

export const shown = (shape: readonly unknown[]): string => `[${shape.join(", ")}]`;
/** Whether two shapes are the same. */
export const alike = (a: readonly number[], b: readonly number[]): boolean => {
  if (a.length !== b.length) return false;
  for (let axis = 0; axis < a.length; axis++) if (a[axis] !== b[axis]) return false;
  return true;
};
export const sizeOf = (shape: readonly number[]): number => {
  let size = 1;
  for (const length of shape) size *= length;
  return size;
};

export class Checks {
  /** The call, as errors name it. */
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  fail(argument: string, problem: string): never {
    throw new KernelError(this.name, argument, problem);
  }

  /** Checks that a tensor is one and holds as many values as its shape says. */
  check(argument: string, tensor: Shaped, array: TensorArray): void {
    if (typeof tensor !== "object" || tensor === null || !Array.isArray(tensor.shape))
      this.fail(argument, `${argument} must be { shape, data }, got ${tensor === null ? "null" : typeof tensor}`);
    const { shape } = tensor;
    const data = tensor.data as { readonly length: number };
    if (!shape.every((length) => Number.isSafeInteger(length) && length >= 0))
      this.fail(argument, `${argument} has shape ${shown(shape)}; every length must be a whole number`);
    if (!(data instanceof array))
      this.fail(
        argument,
        `${argument} must hold a ${array.name}, got ${(data as object)?.constructor?.name ?? typeof data}; convert it with ${array.name}.from(data)`,
      );
    const size = sizeOf(shape);
    if (data.length !== size)
      this.fail(argument, `${argument} has ${data.length} values, but its shape ${shown(shape)} holds ${size}`);
  }

  /** Checks that a tensor is one of that shape. */
  same(argument: string, tensor: Shaped, shape: readonly number[]): void {
    this.check(argument, tensor, Float32Array);
    if (!alike(tensor.shape, shape))
      this.fail(argument, `${argument} has shape ${shown(tensor.shape)}, expected ${shown(shape)}`);
  }

  /** The place of a word among those that are allowed. */
  choose(argument: string, word: string, among: readonly string[]): number {
    const place = among.indexOf(word);
    if (place < 0) this.fail(argument, `${argument} must be ${among.join(" or ")}, got ${word}`);
    return place;
  }
}
