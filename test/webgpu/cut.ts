/** Calls that give the whole from parts: every recurrence in two, the second from the state of the first. */
import type { Calls } from "../../src/pages.ts";
import type { Floats } from "../../src/wasm.ts";

const rows = ({ shape, data }: Floats, from: number, to: number): Floats => {
  const width = data.length / Math.max(1, shape[0]!);
  return { shape: [to - from, ...shape.slice(1)], data: data.slice(from * width, to * width) };
};
const joined = (a: Floats, b: Floats): Floats => ({
  shape: [a.shape[0]! + b.shape[0]!, ...a.shape.slice(1)],
  data: Float32Array.of(...a.data, ...b.data),
});

type Parted = "convolution" | "diagonalSystem" | "recurrence" | "selectiveScan" | "ssd";

/** What every call gets besides its own arguments: how it is tuned. */
export type Tunings = Partial<Record<Parted, object>>;

export const cut =
  (tunings: Tunings = {}) =>
  (kernels: Calls): Calls => {
    const tuned =
      (name: Parted) =>
      (...given: unknown[]) =>
        (kernels[name] as (...given: unknown[]) => Promise<never>)(...given, tunings[name]);
    const [convolution, recurrence, diagonalSystem, selectiveScan, ssd] = [
      tuned("convolution") as unknown as Calls["convolution"],
      tuned("recurrence") as unknown as Calls["recurrence"],
      tuned("diagonalSystem") as unknown as Calls["diagonalSystem"],
      tuned("selectiveScan") as unknown as Calls["selectiveScan"],
      tuned("ssd") as unknown as Calls["ssd"],
    ];
    const half = (x: Floats) => [Math.ceil(x.shape[0]! / 2), x.shape[0]!] as const;
    const whole = <C extends { readonly out: Floats }>(first: C, second: C): C => ({
      ...second,
      out: joined(first.out, second.out),
    });
    return {
      ...kernels,
      async convolution(x, weights, options = {}) {
        const [middle, end] = half(x);
        const first = await convolution(rows(x, 0, middle), weights, options);
        return whole(first, await convolution(rows(x, middle, end), weights, { ...options, state: first.state }));
      },
      async recurrence(factors, x, options = {}) {
        const [middle, end] = half(x);
        const first = await recurrence(rows(factors, 0, middle), rows(x, 0, middle), options);
        const rest = [rows(factors, middle, end), rows(x, middle, end)] as const;
        return whole(first, await recurrence(...rest, { ...options, state: first.state }));
      },
      async diagonalSystem(inputs, options = {}) {
        const [middle, end] = half(inputs.u);
        const first = await diagonalSystem({ ...inputs, u: rows(inputs.u, 0, middle) }, options);
        const { state, stateIm } = first;
        const rest = { ...inputs, u: rows(inputs.u, middle, end) };
        return whole(first, await diagonalSystem(rest, { ...options, state, stateIm }));
      },
      async selectiveScan({ u, delta, a, b, c }, options = {}) {
        const [middle, end] = half(u);
        const part = (state: Floats | undefined, from: number, to: number) => {
          const of = (t: Floats) => rows(t, from, to);
          const { z } = options;
          return selectiveScan(
            { u: of(u), delta: of(delta), a, b: of(b), c: of(c) },
            { ...options, z: z && of(z), state },
          );
        };
        const first = await part(options.state, 0, middle);
        return whole(first, await part(first.state, middle, end));
      },
      async ssd({ u, delta, a, b, c }, options = {}) {
        const [middle, end] = half(u);
        const part = (state: Floats | undefined, from: number, to: number) => {
          const of = (t: Floats) => rows(t, from, to);
          return ssd({ u: of(u), delta: of(delta), a, b: of(b), c: of(c) }, { ...options, state });
        };
        const first = await part(options.state, 0, middle);
        return whole(first, await part(first.state, middle, end));
      },
    };
  };
