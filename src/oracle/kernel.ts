/** Somebody's implementation of a mechanism, as the oracle calls it. */
import { type AnyMechanism, type AnyPage, bind, extentOf, lengthsOf, shapeOf, type Tensor } from "../../spec/page.ts";
import type { Case } from "./cases.ts";

export interface KernelTensor {
  readonly shape: readonly number[];
  /** Float32Array (also for float16 and bfloat16, then holding values of that format), Int32Array or, for booleans, Uint8Array. */
  readonly data: Float32Array | Int32Array | Uint8Array;
}
type InputsOf<M> = M extends (inputs: infer X, options?: infer _) => unknown ? X : never;
type OptionsOf<M> = M extends (inputs: never, options?: infer P) => unknown ? NonNullable<P> : never;
/** The inputs of a mechanism in the arrays a kernel is given; optional ones may be missing. */
export type KernelInputs<M = AnyMechanism> = [InputsOf<M>] extends [never]
  ? Readonly<Record<string, KernelTensor | readonly KernelTensor[] | undefined>>
  : {
      readonly [K in keyof InputsOf<M>]: NonNullable<InputsOf<M>[K]> extends readonly Tensor[]
        ? readonly KernelTensor[]
        : KernelTensor;
    };
/** Every option of a mechanism, defaults worked out. */
export type KernelOptions<M = AnyMechanism> = [OptionsOf<M>] extends [never]
  ? Readonly<Record<string, unknown>>
  : { readonly [K in keyof OptionsOf<M>]-?: NonNullable<OptionsOf<M>[K]> };
/** Tensors by output name; a bare array of numbers stands for the expected shape. Outputs may be left out, not all. */
export type KernelOutputs = Readonly<Record<string, Tensor | readonly Tensor[] | ArrayLike<number> | undefined>>;
/** Said of a case the kernel does not support. */
export interface Declined {
  readonly decline: string;
}
type Answer = KernelOutputs | Declined;
/** May be asynchronous, and may decline a case by saying why. */
export type Kernel<M = AnyMechanism> = (inputs: KernelInputs<M>, options: KernelOptions<M>) => Answer | Promise<Answer>;
/**
 * The backward pass of a kernel: given also the gradient of a loss with respect to each output, the gradient with
 * respect to each real input it has one for. All arrays are Float32Array.
 */
export type BackwardKernel<M = AnyMechanism> = (
  inputs: KernelInputs<M>,
  options: KernelOptions<M>,
  upstream: Readonly<Record<string, KernelTensor>>,
) => Answer | Promise<Answer>;

export const isDeclined = (result: KernelOutputs | Declined): result is Declined =>
  typeof (result as Declined).decline === "string";

export const isTensor = (value: unknown): value is Tensor =>
  typeof value === "object" &&
  value !== null &&
  Array.isArray((value as Tensor).shape) &&
  (value as Tensor).data?.length !== undefined;

/** Whether it is an array of numbers without a shape. */
export const isBare = (value: unknown): value is ArrayLike<number> =>
  ArrayBuffer.isView(value) || (Array.isArray(value) && (value.length === 0 || typeof value[0] === "number"));

/** The inputs in the arrays a kernel is given. */
export function kernelInputs(page: AnyPage, { inputs, options }: Case): KernelInputs {
  const { sizes, options: all } = bind(page, inputs, options);
  return Object.fromEntries(
    Object.entries(inputs).map(([name, value]) => {
      const { kind } = extentOf(page.domain?.[name], sizes, all);
      const one = ({ shape, data }: Tensor): KernelTensor => ({
        shape,
        data:
          kind === "real"
            ? Float32Array.from(data)
            : kind === "integer"
              ? Int32Array.from(data)
              : Uint8Array.from(data),
      });
      return [name, Array.isArray(value) ? value.map(one) : one(value as Tensor)];
    }),
  );
}

/** Bare arrays get the shape the page declares for that output. */
export function shaped(
  page: AnyPage,
  { inputs, options }: Case,
  outputs: KernelOutputs,
): Record<string, Tensor | readonly Tensor[]> {
  const { sizes } = bind(page, inputs, options);
  const named: Record<string, Tensor | readonly Tensor[]> = {};
  for (const [name, value] of Object.entries(outputs)) {
    if (value === undefined) continue;
    named[name] =
      isBare(value) && page.outputs[name] !== undefined
        ? { shape: lengthsOf(shapeOf(page.outputs[name]), sizes), data: value }
        : (value as Tensor);
  }
  return named;
}
