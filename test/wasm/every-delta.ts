/** A page of all that the delta rule kernel can do at once, which no single mechanism has. */
import { choice, flag, integer, mechanism, real, scan, sum, table } from "../../spec/page.ts";
import type { Kernel } from "../../src/oracle.ts";
import type { Calls } from "../../src/pages.ts";
import type { Floats } from "../../src/wasm.ts";
import { swap } from "./everything.ts";

export const everyDelta = mechanism({
  id: "test/every-delta",
  name: "The delta rule with every option of the kernel",
  paper: "none",
  inputs: {
    q: "Hk T D",
    k: "Hk (T R) D",
    v: "H (T R) E",
    gate: "H T D",
    beta: "H (T R) E = 1",
    read: "Hk (T R) D = none",
    erase: "Hk (T R) D = none",
    state: "H D E = 0",
  },
  outputs: { out: "H T E", state: "H D E" },
  options: {
    R: integer(1, "writes a token", { min: 1, max: 4 }),
    gates: choice(["none", "token", "feature", "token decay", "feature decay"], "whether and how the state decays"),
    wideBeta: flag(true, "a beta for each column"),
    before: flag(false, "reads before the state decays"),
    scale: real((n: { D: number }) => 1 / Math.sqrt(n.D), "the factor on the queries", { tried: [0.5] }),
    chunk: integer(16, "writes solved together", { min: 1, max: 256, tried: [1, 2, 5, 8, 9, 16, 17, 64] }),
  },
  axes: { R: (_, o) => o.R },
  tried: { Hk: [1, 2], H: [2, 4] },
  domain: {
    k: { usual: [-0.5, 0.5] },
    read: { usual: [-0.5, 0.5] },
    erase: { usual: [-0.5, 0.5] },
    gate: { usual: [-3, 0] },
    beta: { usual: [0, 1] },
  },
  run({ q, k, v, gate, beta, read, erase, state }, { Hk, H, T, R, D, E }, o, given) {
    const shared = (h: number) => Math.floor((h * Hk) / H);
    const fade = (h: number, t: number, d: number) => {
      if (o.gates === "none") return 1;
      const g = gate(h, t, o.gates.startsWith("token") ? 0 : d);
      return o.gates.endsWith("decay") ? 1 + g / 3 : Math.exp(g);
    };
    const rate = (h: number, t: number, j: number, e: number) => beta(h, t, j, o.wideBeta ? e : 0);
    const after = table([H], (h) => {
      const [reader, eraser] = [given.read ? read : k, given.erase ? erase : k];
      return scan(
        T,
        table([D, E], (d, e) => state(h, d, e)),
        (old, t) => {
          const faded = table([D, E], (d, e) => fade(h, t, d) * old(d, e));
          return scan(R, faded, (now, j) => {
            const from = o.before && j === 0 ? old : now;
            const seen = table([E], (e) => sum(D, (d) => reader(shared(h), t, j, d) * from(d, e)));
            return table([D, E], (d, e) => {
              const key = k(shared(h), t, j, d);
              const b = rate(h, t, j, e);
              if (!given.erase) return now(d, e) + key * b * (v(h, t, j, e) - seen(e));
              return now(d, e) + key * v(h, t, j, e) - eraser(shared(h), t, j, d) * b * seen(e);
            });
          })(R);
        },
      );
    });
    return {
      out: (h, t, e) => o.scale * sum(D, (d) => q(shared(h), t, d) * after(h)(t + 1)(d, e)),
      state: (h, d, e) => after(h)(T)(d, e),
    };
  },
});

/** Its kernel; every other call hands the tensors over with the tokens first. */
export function everyDeltaKernel(kernels: Pick<Calls, "deltaRule">): Kernel<typeof everyDelta> {
  let calls = 0;
  return async ({ q, k, v, gate, beta, read, erase, state }, { R, gates, wideBeta, before, scale, chunk }) => {
    const tokensFirst = calls++ % 2 === 1;
    const turned = (t: Floats): Floats => {
      if (!tokensFirst) return t;
      const two = t.shape.length === 2;
      const { shape, data } = swap(two ? { shape: [...t.shape, 1], data: t.data } : t);
      return { shape: two ? shape.slice(0, 2) : shape, data };
    };
    const maybe = (t: unknown) => t && turned(t as Floats);
    /** The first of each row of the last axis. */
    const firsts = ({ shape, data }: Floats): Floats => {
      const width = shape.at(-1)!;
      return { shape: shape.slice(0, -1), data: data.filter((_, i) => i % width === 0) };
    };
    const narrow = (t: unknown, one: boolean) => t && turned(one ? firsts(t as Floats) : (t as Floats));
    const fades = narrow(gate, gates.startsWith("token")) as Floats;
    const decays = { shape: fades.shape, data: fades.data.map((g) => 1 + g / 3) };
    const ruled = await kernels.deltaRule(turned(q as Floats), turned(k as Floats), turned(v as Floats), {
      ...(gates === "none" ? {} : gates.endsWith("decay") ? { decay: decays } : { gate: fades }),
      beta: narrow(beta, !wideBeta) as Floats | undefined,
      read: maybe(read) as Floats | undefined,
      erase: maybe(erase) as Floats | undefined,
      state: state as Floats | undefined,
      readBefore: before,
      writes: R,
      layout: tokensFirst ? "tokens-first" : "heads-first",
      ...{ scale, chunk },
    });
    return { out: turned(ruled.out), state: ruled.state };
  };
}
