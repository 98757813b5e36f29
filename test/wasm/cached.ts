/** A page of all that a decode step can do at once, over keys and values rounded as a cache keeps them. */
import { choice, flag, integer, mechanism, range, real, softmax, sum, table } from "../../spec/page.ts";
import { decodeFloat16, encodeFloat16 } from "../../src/io/narrow-floats.ts";
import type { Kernel } from "../../src/oracle.ts";
import type { Calls } from "../../src/pages.ts";
import type { Booleans, Floats, Kernels, Rows, RowType, StepOptions } from "../../src/wasm.ts";
import { swap } from "./everything.ts";

/** The step of a row kept as int8, and the values it then has. */
export function integers(row: ArrayLike<number>): { step: number; whole: number[] } {
  const step = Math.fround(Math.max(...Array.from(row, Math.abs)) / 127);
  const even = (x: number) => (Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x));
  return { step, whole: Array.from(row, (x) => (step ? Math.max(-127, Math.min(127, even(x * (1 / step)))) : 0)) };
}

/** A row as a cache of that type gives it back. */
const kept = (type: RowType, row: number[]): number[] => {
  if (type === "float16") return row.map((x) => decodeFloat16(encodeFloat16(x)));
  if (type === "float32") return row;
  const { step, whole } = integers(row);
  return whole.map((x) => step * x);
};

export const cached = mechanism({
  id: "test/cached",
  name: "A decode step with every option",
  paper: "none",
  inputs: {
    q: "Hq Tq D",
    k: "Hk Tk D",
    v: "Hk Tk E",
    mask: "Hq Tq Tk = 1",
    bias: "Hq Tq Tk = 0",
    sinks: "Hq = none",
    slopes: "Hq = 0",
  },
  outputs: { out: "Hq Tq E", lse: "Hq Tq" },
  options: {
    scale: real((n: { D: number }) => 1 / Math.sqrt(n.D), "the factor on the scores", { tried: [0.5] }),
    causal: flag(true, "a query sees no key after its own place"),
    left: integer(Number.POSITIVE_INFINITY, "keys seen before the place", { min: 0, tried: [0, 1, 5] }),
    right: integer(Number.POSITIVE_INFINITY, "keys seen after the place", { min: 0, tried: [0, 2] }),
    cap: real(Number.POSITIVE_INFINITY, "bound on the scores", { above: 0, tried: [1.5, 30] }),
    holes: flag(false, "a bias below −½ is −∞"),
    type: choice(["float32", "float16", "int8"], "what keys and values are kept as"),
  },
  tried: { Hq: [1, 2, 4], Hk: [1, 2] },
  mayBeEmpty: ["Tk"],
  requires: { "Hq must be a multiple of Hk": (n) => n.Hq % n.Hk === 0 },
  domain: { mask: "boolean", slopes: { usual: [0, 1] } },
  run({ q, k, v, mask, bias, sinks, slopes }, { Hq, Hk, Tq, Tk, D, E }, o, given) {
    const shared = (h: number) => Math.floor((h * Hk) / Hq);
    const place = (t: number) => t + Tk - Tq;
    const rows = (x: (h: number, s: number, d: number) => number, width: number) =>
      range(Hk).map((h) =>
        range(Tk).map((s) =>
          kept(
            o.type,
            range(width).map((d) => x(h, s, d)),
          ),
        ),
      );
    const [keys, values] = [rows(k, D), rows(v, E)];
    const seen = (h: number, t: number) =>
      range(Tk).filter(
        (s) =>
          s >= place(t) - o.left &&
          s <= place(t) + (o.causal ? 0 : o.right) &&
          mask(h, t, s) &&
          !(o.holes && bias(h, t, s) < -0.5),
      );
    const capped = (z: number) => (o.cap === Number.POSITIVE_INFINITY ? z : o.cap * Math.tanh(z / o.cap));
    const weights = table([Hq, Tq], (h, t) =>
      softmax(
        seen(h, t),
        (s) =>
          capped(o.scale * sum(D, (d) => q(h, t, d) * keys[shared(h)]![s]![d]!)) +
          bias(h, t, s) -
          slopes(h) * Math.abs(place(t) - s),
        given.sinks ? sinks(h) : Number.NEGATIVE_INFINITY,
      ),
    );
    return {
      out: (h, t, e) => sum(weights(h, t), (s, w) => w * values[shared(h)]![s]![e]!),
      lse: (h, t) => weights(h, t).logSumExp,
    };
  },
});

/** Rows as a step over tensors takes them. */
export function rowsOf({ shape, data }: Floats, type: RowType): Rows {
  if (type === "float32") return { shape, data };
  if (type === "float16") return { shape, data: Uint16Array.from(data, encodeFloat16) };
  const width = shape.at(-1)!;
  const each = Array.from({ length: data.length / width }, (_, i) =>
    integers(data.subarray(i * width, (i + 1) * width)),
  );
  return {
    shape,
    data: Int8Array.from(each.flatMap(({ whole }) => whole)),
    scales: { shape: shape.slice(0, -1), data: Float32Array.from(each, ({ step }) => step) },
  };
}

/** How the keys are handed over: as tensors, in pages of a pool, or by way of a cache. */
export type Way = "tensors" | "pages" | "cache";

/** The steps of a backend, which may have no cache. */
type Steps = Pick<Calls, "decode"> & Partial<Pick<Kernels, "cache">>;

/** Its kernel; every other call hands the tensors over with the tokens first. */
export function cachedKernel(kernels: Steps, way: Way): Kernel<typeof cached> {
  let calls = 0;
  return async ({ q, k, v, mask, bias, sinks, slopes }, { holes, type: word, ...others }) => {
    const type = word as RowType;
    const tokensFirst = calls++ % 2 === 1;
    const turned = (t: Floats): Floats => (tokensFirst ? swap(t) : t);
    const options: StepOptions = {
      ...others,
      layout: tokensFirst ? "tokens-first" : "heads-first",
      mask: mask as Booleans | undefined,
      bias: bias && {
        shape: bias.shape,
        data: Float32Array.from(bias.data, (b) => (holes && b < -0.5 ? -Infinity : b)),
      },
      sinks: sinks as Floats | undefined,
      slopes: slopes as Floats | undefined,
    };
    const [queries, keys, values] = [turned(q as Floats), turned(k as Floats), turned(v as Floats)];
    const { out, lse } = await (() => {
      if (way === "tensors") return kernels.decode(queries, rowsOf(keys, type), rowsOf(values, type), options);
      if (way === "pages") return overPages(kernels, queries, swap(k as Floats), swap(v as Floats), type, options);
      const cache = kernels.cache!({
        ...{ heads: k.shape[0]!, width: k.shape[2]!, valueWidth: v.shape[2]!, type, pageTokens: 4 },
      });
      // In several pieces, which begin and end anywhere in a page.
      const tokens = k.shape[1]!;
      for (let from = 0; from < tokens; from += 3) {
        const part = (t: Floats) => slice(swap(t), from, Math.min(tokens, from + 3));
        cache.append(part(k as Floats), part(v as Floats), { layout: "tokens-first" });
      }
      const attended = cache.attend(queries, options);
      cache.release();
      return attended;
    })();
    return { out: turned(out), lse };
  };
}

/** Tokens `from` to `to` of a tensor that begins with them. */
export function slice({ shape: [, ...rest], data }: Floats, from: number, to: number): Floats {
  const size = rest.reduce((product, length) => product * length, 1);
  return { shape: [to - from, ...rest], data: data.slice(from * size, to * size) };
}

/** The step over a pool of pages of three tokens in no order, one of them spoilt. */
function overPages(kernels: Steps, q: Floats, k: Floats, v: Floats, type: RowType, options: StepOptions) {
  const tokens = k.shape[0]!;
  const count = Math.ceil(tokens / 3);
  const order = Int32Array.from({ length: count }, (_, i) => count - i);
  const pool = (t: Floats): Floats => {
    const [, heads, width] = t.shape as [number, number, number];
    const data = new Float32Array((count + 1) * 3 * heads * width).fill(Number.NaN);
    for (let s = 0; s < tokens; s++)
      data.set(slice(t, s, s + 1).data, (order[Math.floor(s / 3)]! * 3 + (s % 3)) * heads * width);
    const shape = [count + 1, 3, heads, width];
    if (options.layout === "tokens-first") return { shape, data };
    const pages = Array.from({ length: count + 1 }, (_, p) =>
      swap({ shape: shape.slice(1), data: data.subarray(p * 3 * heads * width, (p + 1) * 3 * heads * width) }),
    );
    return { shape: [count + 1, heads, 3, width], data: Float32Array.from(pages.flatMap((page) => [...page.data])) };
  };
  const wide = (t: Floats | undefined): Floats | undefined => t && widened(t, 3 * count);
  return kernels.decode(q, rowsOf(pool(k), type), rowsOf(pool(v), type), {
    ...options,
    lengths: [tokens],
    pages: { shape: [count], data: order },
    bias: wide(options.bias),
    mask: options.mask && {
      shape: wide(asFloats(options.mask))!.shape,
      data: Uint8Array.from(wide(asFloats(options.mask))!.data),
    },
  });
}

const asFloats = ({ shape, data }: Booleans): Floats => ({ shape, data: Float32Array.from(data) });

/** A last axis made longer. */
function widened({ shape, data }: Floats, length: number): Floats {
  const last = shape.at(-1)!;
  const rows = last ? data.length / last : 0;
  const to = new Float32Array(rows * length);
  for (let r = 0; r < rows; r++) to.set(data.subarray(r * last, (r + 1) * last), r * length);
  return { shape: [...shape.slice(0, -1), length], data: to };
}
