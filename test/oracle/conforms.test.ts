/** Verdicts: right kernels conform, every slip is caught on a small input and told in words. */
import { describe, expect, test } from "vitest";
import { scaledDotProductAttention } from "../../spec/core/scaled-dot-product-attention.ts";
import { mechanism, type Tensor } from "../../spec/page.ts";
import { type ConformsOptions, conforms, type Verdict } from "../../src/oracle/conforms.ts";
import type { BackwardKernel, Kernel, KernelInputs, KernelOptions, KernelOutputs } from "../../src/oracle/kernel.ts";
import { formats } from "../../src/oracle/precisions.ts";
import { backwardSoftmax, onlineSoftmax, type Slips } from "./kernels.ts";

type Attention = typeof scaledDotProductAttention;
const right = onlineSoftmax(2, "forward");
const judge = (kernel: Kernel<Attention>, options: ConformsOptions<Attention> = {}): Promise<Verdict> =>
  conforms(scaledDotProductAttention, kernel, options);
/** What a kernel that answers every case with `outputs` is told. */
const told = async (outputs: (inputs: KernelInputs<Attention>) => unknown): Promise<string> =>
  String(await judge((inputs) => outputs(inputs) as KernelOutputs, { cases: 8 }));
const tensorsOf = (verdict: Verdict): Tensor[] => Object.values(verdict.failure!.inputs).flat() as Tensor[];

describe("every slip is rejected on an input whose axes are 3 at most", () => {
  const slips: [name: string, slips: Slips, block: number, options: ConformsOptions<Attention>, law?: RegExp][] = [
    ["one key too few where causal", { causal: -1 }, 4, { fixed: { options: { causal: true } } }],
    ["one key too many where causal", { causal: 1 }, 4, { fixed: { options: { causal: true } } }, /is causal along/],
    ["scale 1/D instead of 1/√D", { scale: (D) => 1 / D }, 4, {}],
    ["scale by the width of the values", { scale: (_, E) => 1 / Math.sqrt(E) }, 4, {}],
    ["what was gathered shrinks 1e-5 too little", { rescale: 1e-5 }, 1, {}, /does not depend on the order of Tk/],
    ["no maximum taken off: large scores overflow", { noMaximum: true }, 4, {}],
    ["the bias forgotten", { noBias: true }, 4, { fixed: { given: { bias: true } } }],
  ];
  for (const [name, slip, block, options, law] of slips)
    test(name, { timeout: 60_000 }, async () => {
      const verdict = await judge(onlineSoftmax(block, "forward", slip), { cases: 200, ...options });
      const text = String(verdict);
      expect(verdict.conforms).toBe(false);
      expect(text).toMatch(/^core\/scaled-dot-product-attention: does not conform \(float32, \d+ cases?\)\n/);
      expect(text).toMatch(/smallest failing input: Tq = \d, D = \d, Tk = \d, E = \d; scale = /);
      expect(text).toMatch(/\n {4}q = \[\[/);
      expect(text).toMatch(/\n {2}(out|lse)\[\d(, \d)?\] is \S+, expected \S+: (off by|not a number)/);
      expect(text).toContain("(seed 1)");
      for (const t of tensorsOf(verdict)) for (const length of t.shape) expect(length).toBeLessThanOrEqual(3);
      if (law) expect(verdict.failure!.laws.join("; ")).toMatch(law);
      for (const broken of verdict.failure!.laws) expect(text).toContain(`\n  the kernel breaks: ${broken}`);
      expect(Math.abs(verdict.failure!.actual - verdict.failure!.wanted) <= verdict.failure!.within).toBe(false);
    });
  test("no maximum taken off, in float16, where exp of 12 is too much", { timeout: 60_000 }, async () => {
    const { round } = formats.float16;
    const verdict = await judge(onlineSoftmax(4, "forward", { noMaximum: true, keep: round }), { dtype: "float16" });
    expect(verdict.conforms).toBe(false);
    expect(Number.isFinite(verdict.failure!.actual)).toBe(false);
    for (const t of tensorsOf(verdict)) expect(Math.max(...t.shape)).toBeLessThanOrEqual(3);
  });
});

describe("what is said", () => {
  test("of a kernel that fails", { timeout: 60_000 }, async () => {
    const verdict = await judge(onlineSoftmax(1, "forward", { causal: 1 }), {
      cases: 60,
      fixed: { options: { causal: true }, given: { mask: false, bias: false } },
    });
    expect(String(verdict)).toMatchInlineSnapshot(`
      "core/scaled-dot-product-attention: does not conform (float32, 3 cases)
        smallest failing input: Tq = 2, D = 1, Tk = 1, E = 1; scale = 1 (default), causal = true, causalAlign = bottom-right (default)
          q = [[0], [0]]
          k = [[0]]
          v = [[0]]
        lse[0] is 0, expected -Infinity: off by Infinity
        the kernel breaks: is causal along Tq and Tk: without the last place the others get what they got
        (seed 1)"
    `);
  });
  test("of one that conforms", { timeout: 60_000 }, async () => {
    const verdict = await judge(
      (inputs, options) => (options.causal ? { decline: "causal" } : { out: right(inputs, options).out }),
      { cases: 40, seed: 3 },
    );
    expect(String(verdict)).toMatchInlineSnapshot(`
      "core/scaled-dot-product-attention: conforms (float32, 28 cases; largest error 19 % of the budget)
        12 cases left out: causal
        not returned, so not judged: lse"
    `);
  });
  test("of two values too far apart to tell how often", async () => {
    expect(await told(() => ({ out: [Number.NaN] }))).not.toContain("NaN times");
  });
});

describe("narrow formats", () => {
  for (const dtype of ["float16", "bfloat16"] as const) {
    const kernel = onlineSoftmax(4, "lanes", { keep: formats[dtype].round });
    test(`a kernel that keeps weights and outputs in ${dtype} conforms as ${dtype}`, { timeout: 60_000 }, async () => {
      const verdict = await judge(kernel, { dtype });
      expect(String(verdict)).toContain(`: conforms (${dtype}, `);
      expect(verdict.judged).toBeGreaterThan(80);
    });
    test(`and does not pass as float32 with ${dtype}`, { timeout: 60_000 }, async () => {
      expect((await judge(kernel)).conforms).toBe(false);
    });
  }
  test("the kernel is given values of the format", async () => {
    const { round } = formats.bfloat16;
    await judge(
      (inputs, options) => {
        for (const t of [inputs.q, inputs.k, inputs.v])
          for (const v of t.data) if (round(v) !== v) throw new Error(`${v} is no bfloat16`);
        return onlineSoftmax(4, "forward", { keep: round })(inputs, options);
      },
      { dtype: "bfloat16", cases: 12 },
    ).then((verdict) => expect(String(verdict)).toContain(": conforms"));
  });
});

describe("how kernels answer", () => {
  test("with a promise", async () => {
    const verdict = await judge(async (inputs, options) => right(inputs, options), { cases: 12 });
    expect([verdict.conforms, verdict.judged]).toEqual([true, 12]);
  });
  test("with bare typed arrays or plain ones, which stand for the declared shape", async () => {
    const plain: Kernel<Attention> = (inputs, options) => {
      const { out, lse } = right(inputs, options);
      return { out, lse: Array.from(lse) };
    };
    expect((await judge(plain, { cases: 12 })).conforms).toBe(true);
  });
  test("with tensors of the declared shape", async () => {
    const shaped: Kernel<Attention> = (inputs, options) => ({
      out: { shape: [inputs.q.shape[0]!, inputs.v.shape[1]!], data: right(inputs, options).out },
    });
    expect((await judge(shaped, { cases: 12 })).conforms).toBe(true);
  });
  test("with some of the outputs: the others are listed as not judged", async () => {
    const verdict = await judge((inputs, options) => ({ lse: right(inputs, options).lse, out: undefined }), {
      cases: 12,
    });
    expect([verdict.conforms, verdict.unjudged]).toEqual([true, ["out"]]);
    expect(String(verdict)).toContain("\n  not returned, so not judged: out");
  });
  test("by declining some cases, which are counted by reason", async () => {
    const verdict = await judge(
      (inputs, options) =>
        options.causal ? { decline: "no causal mask" } : inputs.bias ? { decline: "no bias" } : right(inputs, options),
      { cases: 24 },
    );
    const { "no causal mask": causal, "no bias": bias, ...others } = verdict.declined;
    expect(others).toEqual({});
    expect(verdict.conforms).toBe(true);
    expect(verdict.judged + causal! + bias!).toBe(24);
    expect(String(verdict)).toContain(`\n  ${bias} cases left out: no bias`);
  });
  test("by declining them all, which is no verdict", async () => {
    await expect(judge(() => ({ decline: "nothing" }), { cases: 5 })).rejects.toThrow(
      new RangeError(
        "core/scaled-dot-product-attention: the kernel declined all 5 cases: nothing. Narrow what is drawn with `fixed`",
      ),
    );
  });
  test("with an error, which is the verdict", async () => {
    const thrown = await told(() => {
      throw new TypeError("no such thing");
    });
    expect(thrown).toContain("does not conform (float32, 1 case)");
    expect(thrown).toContain("\n  the kernel threw TypeError: no such thing\n");
    expect(String(await judge(() => Promise.reject(new RangeError("later")), { cases: 2 }))).toContain(
      "the kernel threw RangeError: later",
    );
  });
  const wrong: [string, (inputs: KernelInputs<Attention>) => unknown, string][] = [
    ["nothing", () => undefined, "the kernel returned undefined, expected an object with the outputs out, lse"],
    ["null", () => null, "the kernel returned null, expected an object with the outputs out, lse"],
    ["no output", () => ({}), "the kernel returned no output; expected out, lse"],
    ["outputs left out", () => ({ out: undefined }), "the kernel returned no output; expected out, lse"],
    ["an unknown output", () => ({ output: [0] }), "the kernel returned an output output; did it mean out?"],
    ["too few values", () => ({ out: new Float32Array(0) }), "out has 0 values, expected 1"],
    ["a wrong shape", () => ({ lse: { shape: [1, 1], data: [0] } }), "lse has shape [1, 1], expected [1]"],
    ["a shape without its values", () => ({ lse: { shape: [1], data: [] } }), "lse has 0 values, expected 1"],
    ["a number", () => ({ lse: 3 }), "the kernel returned no tensor as lse, expected { shape, data } or a flat array"],
    ["null for an output", () => ({ lse: null }), "the kernel returned no tensor as lse, expected"],
    ["nested arrays", () => ({ out: [[0]] }), "the kernel returned no tensor as out.0, expected"],
    [
      "NaN",
      (x) => ({ out: new Float32Array(x.q.shape[0]! * x.v.shape[1]!).fill(Number.NaN) }),
      "out[0, 0] is NaN, expected 0: not a number",
    ],
  ];
  for (const [name, outputs, expected] of wrong)
    test(`with ${name}: “${expected}”`, async () => expect(await told(outputs)).toContain(`\n  ${expected}`));
});

describe("outputs that are lists", () => {
  const levels = mechanism({
    id: "test/levels",
    name: "Levels",
    paper: "2026",
    inputs: { x: "L of Yl C", w: "C = none" },
    outputs: { y: "L of Yl C", total: "C = none" },
    options: {},
    run: ({ x, w }, _n, _o, given) => ({ y: (l, a, c) => 2 * x(l, a, c), total: given.w ? (c) => w(c) : undefined }),
  });
  type Inputs = KernelInputs<typeof levels>;
  const doubled = ({ x }: Inputs): Tensor[] => x.map(({ shape, data }) => ({ shape, data: data.map((v) => 2 * v) }));
  const said = async (outputs: (inputs: Inputs) => unknown): Promise<string> =>
    String(await conforms(levels, (inputs) => outputs(inputs) as KernelOutputs, { cases: 20 }));

  test("are judged entry by entry", async () => {
    expect(await said((inputs) => ({ y: doubled(inputs) }))).toContain(": conforms");
    const undoubled = await said((inputs) => ({ y: inputs.x }));
    expect(undoubled).toContain("smallest failing input: L = 1, Yl = [1], C = 1\n    x.0 = [[1]]\n");
    expect(undoubled).toContain("y.0[0, 0] is 1, expected 2: off by 1, more than a million times the budget");
  });
  test("must be complete, and lists", async () => {
    expect(await said((inputs) => ({ y: doubled(inputs).slice(0, 1) }))).toContain("there is no output y.1");
    expect(await said((inputs) => ({ y: [...doubled(inputs), doubled(inputs)[0]] }))).toContain(
      "the kernel returned y.1, which this case does not have",
    );
    expect(await said((inputs) => ({ y: doubled(inputs)[0] }))).toContain(
      "the kernel returned y, which this case does not have",
    );
  });
  test("and an optional output must not be there where the page has none", async () => {
    expect(await said((inputs) => ({ total: inputs.w ?? new Float32Array(1) }))).toContain(
      "the kernel returned total, which this case does not have",
    );
  });
});

describe("what is drawn", () => {
  const seen = async (options: ConformsOptions<Attention>) => {
    const calls: string[] = [];
    await judge(
      (inputs, all) => {
        calls.push(JSON.stringify([inputs, all]));
        return right(inputs, all);
      },
      { cases: 12, ...options },
    );
    return calls;
  };
  test("is the same for the same seed and other for another", async () => {
    const [first, again, other] = await Promise.all([seen({}), seen({ seed: 1 }), seen({ seed: 2 })]);
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
  });
  test("keeps what is fixed, and every option comes with its value", async () => {
    const fixed = { options: { causal: true, causalAlign: "top-left" }, sizes: { D: 4 }, given: { mask: false } };
    await judge(
      (inputs: KernelInputs<Attention>, options: KernelOptions<Attention>) => {
        const { causal, causalAlign, scale } = options;
        if (!causal || causalAlign !== "top-left" || inputs.q.shape[1] !== 4 || inputs.mask || !(scale > 0))
          throw new Error(JSON.stringify(options));
        return right(inputs, options);
      },
      { cases: 12, fixed },
    ).then((verdict) => expect(String(verdict)).toContain(": conforms"));
  });
  test("is in the arrays that kernels are given: Float32Array, and Uint8Array for booleans", async () => {
    const verdict = await judge(
      (inputs, options) => {
        if (!(inputs.q.data instanceof Float32Array && inputs.mask!.data instanceof Uint8Array))
          throw new TypeError("other arrays");
        return right(inputs, options);
      },
      { cases: 8, fixed: { given: { mask: true } } },
    );
    expect(String(verdict)).toContain(": conforms");
  });
  test("reaches longer axes unless the largest is given", async () => {
    let longest = 0;
    const kernel: Kernel<Attention> = (inputs, options) => {
      longest = Math.max(longest, ...inputs.k.shape);
      return right(inputs, options);
    };
    await judge(kernel, { cases: 24 });
    expect(longest).toBeGreaterThan(6);
    longest = 0;
    await judge(kernel, { cases: 24, largest: 3 });
    expect(longest).toBe(3);
  });
});

describe("backward kernels", () => {
  const options = { cases: 32, largest: 5 } as const;
  test("the gradients of softmax attention in float32 conform", { timeout: 60_000 }, async () => {
    const verdict = await judge(right, { ...options, gradient: backwardSoftmax() });
    expect(String(verdict)).toContain(": conforms (float32, 40 cases; largest error");
    expect(verdict.share).toBeLessThan(1);
  });
  test("without the sum over the row those of the queries do not", { timeout: 60_000 }, async () => {
    const verdict = await judge(right, { ...options, gradient: backwardSoftmax({ noRowSum: true }) });
    expect(verdict.failure!.output).toBe("gradient of q");
    expect(String(verdict)).toMatch(/\n {2}gradient of q is \S+, expected \S+: off by /);
    for (const t of tensorsOf(verdict)) expect(Math.max(...t.shape)).toBeLessThanOrEqual(3);
  });
  test("without the scale those of the keys do not", { timeout: 60_000 }, async () => {
    const verdict = await judge(right, { ...options, gradient: backwardSoftmax({ unscaledKeys: true }) });
    expect(verdict.failure!.output).toBe("gradient of k");
    for (const t of tensorsOf(verdict)) expect(Math.max(...t.shape)).toBeLessThanOrEqual(3);
  });
  test("are not tried on a kernel that already fails", async () => {
    const verdict = await judge(onlineSoftmax(4, "forward", { noBias: true }), {
      fixed: { given: { bias: true } },
      gradient: () => expect.fail("was called"),
    });
    expect(verdict.failure!.output).not.toContain("gradient");
  });
  const wrong: [string, unknown, string][] = [
    ["no gradient", {}, "the backward kernel returned no gradient; expected some of q, k, v"],
    [
      "one of an unknown input",
      { x: [1] },
      "the backward kernel returned a gradient of x, which is no input of this case",
    ],
    ["too few values", { q: [] }, "the gradient of q has 0 values, expected 1"],
    ["no tensor", { q: 1 }, "the backward kernel returned no tensor as the gradient of q, expected { shape, data }"],
    ["NaN", { q: [Number.NaN] }, "gradient of q is NaN, expected"],
  ];
  for (const [name, answer, expected] of wrong)
    test(`that return ${name} are told “${expected}”`, async () => {
      const sizes = { Tq: 1, Tk: 1, D: 1, E: 1 };
      const verdict = await judge(right, { cases: 4, fixed: { sizes }, gradient: () => answer as KernelOutputs });
      expect(String(verdict)).toContain(`\n  ${expected}`);
    });
  test("that throw are told so, and those that decline are counted", async () => {
    const thrown = await judge(right, {
      cases: 4,
      gradient: () => {
        throw new Error("no");
      },
    });
    expect(String(thrown)).toContain("\n  the backward kernel threw Error: no\n");
    const declined = await judge(right, { cases: 8, gradient: () => ({ decline: "no backward" }) });
    expect([declined.conforms, declined.judged, declined.declined]).toEqual([true, 8, { "no backward": 2 }]);
  });
  test("a gradient of booleans is refused, and bounded inputs are moved within their bounds", async () => {
    const gated = mechanism({
      id: "test/gated",
      name: "Gated",
      paper: "2026",
      inputs: { x: "T", gate: "T", on: "T" },
      outputs: { y: "T" },
      options: {},
      domain: { gate: { within: [0, 1] }, on: "boolean" },
      run: ({ x, gate, on }) => ({ y: (t) => on(t) * gate(t) ** 2 * x(t) }),
    });
    const forward: Kernel<typeof gated> = ({ x, gate, on }) => ({
      y: x.data.map((v, t) => on.data[t]! * gate.data[t]! ** 2 * v),
    });
    const backward =
      (factor: number): BackwardKernel<typeof gated> =>
      ({ x, gate, on }, _, { y }) => ({
        x: Float32Array.from(x.data, (_v, t) => y!.data[t]! * on.data[t]! * gate.data[t]! ** 2),
        gate: Float32Array.from(x.data, (v, t) => factor * y!.data[t]! * on.data[t]! * gate.data[t]! * v),
      });
    expect(String(await conforms(gated, forward, { gradient: backward(2) }))).toContain(": conforms");
    expect((await conforms(gated, forward, { gradient: backward(1) })).failure!.output).toBe("gradient of gate");
    expect(String(await conforms(gated, forward, { gradient: ({ on }) => ({ on: on.data }) }))).toContain(
      "the backward kernel returned a gradient of on, which holds no real numbers",
    );
  });
});
