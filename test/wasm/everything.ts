/** A page of all that the attention kernel can do at once, which no single mechanism has. */
import { choice, clamp, flag, integer, mechanism, range, real, softmax, sum, table } from "../../spec/page.ts";
import type { Kernel } from "../../src/oracle.ts";
import type { Booleans, Floats, Kernels } from "../../src/wasm.ts";

export const everything = mechanism({
  id: "test/everything",
  name: "Softmax attention with every option of the kernel",
  paper: "none",
  inputs: {
    q: "Hq Tq D",
    k: "Hk Tk D",
    v: "Hk Tk E",
    mask: "Hq Tq Tk = 1",
    bias: "Hq Tq Tk = 0",
    sinks: "Hq = none",
    slopes: "Hq = 0",
    relative: "Hq Wr = 0",
    blocks: "Hq Bq Bk = 1",
  },
  outputs: { out: "Hq Tq E", lse: "Hq Tq" },
  options: {
    scale: real((n: { D: number }) => 1 / Math.sqrt(n.D), "the factor on the scores", { tried: [0.5] }),
    causal: flag(false, "a query sees no key after its own place"),
    left: integer(Number.POSITIVE_INFINITY, "keys seen before the place", { min: 0, tried: [0, 1, 5] }),
    right: integer(Number.POSITIVE_INFINITY, "keys seen after the place", { min: 0, tried: [0, 2] }),
    align: choice(["bottom-right", "top-left"], "where the queries stand"),
    cap: real(Number.POSITIVE_INFINITY, "bound on the scores", { above: 0, tried: [1.5, 30] }),
    tall: integer(1, "queries of a block", { min: 1, tried: [2, 8] }),
    wide: integer(1, "keys of a block", { min: 1, tried: [3, 7] }),
    holes: flag(false, "a bias below −½ is −∞"),
  },
  axes: { Bq: (n, o) => Math.ceil(n.Tq / o.tall), Bk: (n, o) => Math.ceil(n.Tk / o.wide) },
  tried: { Hq: [2, 4], Hk: [1, 2], Wr: [1, 3, 5] },
  requires: { "Wr must be odd": (n) => n.Wr % 2 === 1 },
  mayBeEmpty: ["Tk"],
  domain: { mask: "boolean", blocks: "boolean", slopes: { usual: [0, 1] } },
  run({ q, k, v, mask, bias, sinks, slopes, relative, blocks }, { Hq, Hk, Tq, Tk, D, Wr }, o, given) {
    const shared = (h: number) => Math.floor((h * Hk) / Hq);
    const place = (t: number) => t + (o.align === "top-left" ? 0 : Tk - Tq);
    const seen = (h: number, t: number) =>
      range(Tk).filter(
        (s) =>
          s >= place(t) - o.left &&
          s <= place(t) + (o.causal ? 0 : o.right) &&
          mask(h, t, s) &&
          blocks(h, Math.floor(t / o.tall), Math.floor(s / o.wide)) &&
          !(o.holes && bias(h, t, s) < -0.5),
      );
    const capped = (z: number) => (o.cap === Number.POSITIVE_INFINITY ? z : o.cap * Math.tanh(z / o.cap));
    const weights = table([Hq, Tq], (h, t) =>
      softmax(
        seen(h, t),
        (s) =>
          capped(o.scale * sum(D, (d) => q(h, t, d) * k(shared(h), s, d))) +
          bias(h, t, s) +
          relative(h, clamp(s - place(t) + (Wr - 1) / 2, 0, Wr - 1)) -
          slopes(h) * Math.abs(place(t) - s),
        given.sinks ? sinks(h) : Number.NEGATIVE_INFINITY,
      ),
    );
    return {
      out: (h, t, e) => sum(weights(h, t), (s, w) => w * v(shared(h), s, e)),
      lse: (h, t) => weights(h, t).logSumExp,
    };
  },
});

/** Its kernel; every other call hands the tensors over with the tokens first. */
export function everythingKernel(kernels: Kernels): Kernel<typeof everything> {
  let calls = 0;
  return ({ q, k, v, mask, bias, sinks, slopes, relative, blocks }, { holes, tall, wide, ...options }) => {
    const tokensFirst = calls++ % 2 === 1;
    const turned = (t: Floats): Floats => (tokensFirst ? swap(t) : t);
    const { out, lse } = kernels.attention(turned(q as Floats), turned(k as Floats), turned(v as Floats), {
      ...options,
      layout: tokensFirst ? "tokens-first" : "heads-first",
      mask: mask as Booleans | undefined,
      bias: bias && {
        shape: bias.shape,
        data: Float32Array.from(bias.data, (b) => (holes && b < -0.5 ? -Infinity : b)),
      },
      sinks: sinks as Floats | undefined,
      slopes: slopes as Floats | undefined,
      relative: relative as Floats | undefined,
      blocks: blocks && { seen: blocks as Booleans, queries: tall, keys: wide },
    });
    return { out: turned(out), lse };
  };
}

/** The same tensor with its first two axes exchanged. */
export function swap({ shape, data }: Floats): Floats {
  const [A, B, C] = shape as [number, number, number];
  const to = new Float32Array(data.length);
  for (let a = 0; a < A; a++)
    for (let b = 0; b < B; b++) to.set(data.subarray((a * B + b) * C, (a * B + b + 1) * C), (b * A + a) * C);
  return { shape: [B, A, C], data: to };
}
