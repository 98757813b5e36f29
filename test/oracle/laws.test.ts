/** Each kind of law is seen to hold where it is true and to fail where it is not. */
import { describe, expect, test } from "vitest";
import { type AnyMechanism, evaluate, mechanism, rmsNorm, scan, softmax, sum, type Tensor } from "../../spec/page.ts";
import { type Case, draw } from "../../src/oracle/cases.ts";
import { type Law, laws, owed, sentence } from "../../src/oracle/laws.ts";
import { random } from "../../src/oracle/random.ts";
import { tensorOf } from "../../src/oracle/tensors.ts";

/** What breaks a law in 40 drawn cases; nothing if it holds in all, of which it must speak of some. */
async function tried(law: Law, subject: AnyMechanism): Promise<string | undefined> {
  const source = random(1);
  let spoke = 0;
  for (let i = 0; i < 40; i++) {
    const drawn = draw(subject, source, { values: i % 2 ? "normal" : "quarters" });
    if (!law.applies(drawn)) continue;
    spoke++;
    const broken = await law.broken((inputs, options) => evaluate(subject.page, inputs, options), drawn, source);
    if (broken) return broken;
  }
  expect(spoke).toBeGreaterThan(0);
  return undefined;
}

const base = { id: "test/law", name: "Law", paper: "2026", options: {} } as const;
/** A property without a condition. */
type Plain =
  | { readonly linear: string | readonly string[]; readonly outputs?: readonly string[] }
  | { readonly averages: string; readonly along: string }
  | { readonly causal: string }
  | { readonly unordered: string }
  | { readonly equivariant: string }
  | { readonly independent: string }
  | { readonly even: string }
  | { readonly scaleFree: string };
/** Averages of v by the softmax of x, with whatever a page does on top. */
const averaging = (property: Plain, on: (average: number, t: number, v: number) => number) =>
  mechanism({
    ...base,
    inputs: { x: "T", v: "T D" },
    outputs: { y: "D" },
    properties: [property],
    run: ({ x, v }, { T }) => {
      const weights = softmax(T, (t) => x(t));
      return {
        y: (d) =>
          on(
            sum(weights, (t, w) => w * v(t, d)),
            T,
            v(0, d),
          ),
      };
    },
  });
const rows = (property: Plain, f: (x: (t: number) => number, t: number, T: number) => number) =>
  mechanism({
    ...base,
    inputs: { x: "T" },
    outputs: { y: "T" },
    properties: [property],
    run: ({ x }, { T }) => ({ y: (t) => f(x, t, T) }),
  });
const recurrence = (forget: number, shift: number) =>
  mechanism({
    ...base,
    inputs: { x: "T D", state: "D = 0" },
    outputs: { y: "T D", state: "D" },
    properties: [{ resumes: "T", states: "state" }],
    run({ x, state }, { T, D }) {
      const after = scan(
        T,
        Array.from({ length: D }, (_, d) => state(d)),
        (before, t) => before.map((s, d) => 0.5 * s + x(t, d) + (t === 0 ? shift : 0)),
      );
      return { y: (t, d) => after(t + 1)[d]!, state: (d) => after(T)[d]! * forget };
    },
  });

const kinds: [name: string, sentence: string, holds: AnyMechanism, fails: AnyMechanism][] = [
  ["linear", "is linear in v", averaging({ linear: "v" }, (y) => 2 * y), averaging({ linear: "v" }, (y) => y + 1e-6)],
  [
    "linear in two inputs together",
    "is linear in x and v",
    mechanism({
      ...base,
      inputs: { x: "T", v: "T" },
      outputs: { y: "T" },
      properties: [{ linear: ["x", "v"] }],
      run: ({ x, v }) => ({ y: (t) => x(t) - 3 * v(t) }),
    }),
    mechanism({
      ...base,
      inputs: { x: "T", v: "T" },
      outputs: { y: "T" },
      properties: [{ linear: ["x", "v"] }],
      run: ({ x, v }) => ({ y: (t) => x(t) * v(t) }),
    }),
  ],
  [
    "averages",
    "gives back v that is the same for all T",
    averaging({ averages: "v", along: "T" }, (y) => y),
    averaging({ averages: "v", along: "T" }, (y, T) => (T > 2 ? y * 0.999 : y)),
  ],
  [
    "causal",
    "is causal along T: without the last place the others get what they got",
    rows({ causal: "T" }, (x, t) => sum(t + 1, (s) => x(s))),
    rows({ causal: "T" }, (x, t, T) => sum(Math.min(T, t + 2), (s) => x(s))),
  ],
  [
    "unordered",
    "does not depend on the order of T",
    averaging({ unordered: "T" }, (y) => y * y),
    averaging({ unordered: "T" }, (y, _, first) => y + 0.01 * first),
  ],
  [
    "equivariant",
    "reorders with T",
    rows({ equivariant: "T" }, (x, t, T) => x(t) - sum(T, (s) => x(s)) / T),
    rows({ equivariant: "T" }, (x, t) => x(t) + 0.01 * t),
  ],
  [
    "independent",
    "treats each place of T by itself",
    rows({ independent: "T" }, (x, t) => Math.exp(x(t))),
    rows({ independent: "T" }, (x, t, T) => x(t) + (T > 1 ? 1e-3 : 0)),
  ],
  ["resumes", "cut along T and resumed from state, is the whole", recurrence(1, 0), recurrence(0.99, 0)],
  [
    "even",
    "is unchanged when x is negated",
    rows({ even: "x" }, (x, t) => Math.abs(x(t))),
    rows({ even: "x" }, (x, t) => Math.abs(x(t)) + 0.01 * x(t)),
  ],
  [
    "scaleFree",
    "does not depend on the scale of x",
    rows({ scaleFree: "x" }, (x, t) => Math.sign(x(t))),
    rows({ scaleFree: "x" }, (x, t, T) => rmsNorm(T, x, 1e-3)(t)),
  ],
];

describe("a declared property", () => {
  for (const [name, says, holds, fails] of kinds) {
    test(`${name}: “${says}” holds where it is true`, async () => {
      const [law] = laws(holds);
      expect(law!.name).toBe(says);
      expect(await tried(law!, holds)).toBeUndefined();
    });
    test(`${name}: is seen to fail where it is false`, async () => {
      const [law] = laws(fails);
      expect(await tried(law!, fails)).toMatch(/\d/);
    });
  }
  test("resumes: a first step that is treated apart is found, and where it was cut is told", async () => {
    const page = recurrence(1, 0.1);
    expect(await tried(laws(page)[0]!, page)).toMatch(/^cut at \d of \d: y\[\d, \d\] is \S+, expected \S+$/);
  });
  test("names the outputs it speaks of, and judges no other", async () => {
    const property: Plain = { linear: "x", outputs: ["y"] };
    const page = mechanism({
      ...base,
      inputs: { x: "T" },
      outputs: { y: "T", squared: "T" },
      properties: [property],
      run: ({ x }) => ({ y: (t) => x(t), squared: (t) => x(t) ** 2 }),
    });
    expect(sentence(property)).toBe("is linear in x (y)");
    expect(await tried(laws(page)[0]!, page)).toBeUndefined();
  });
  test("speaks only of cases that meet its condition, and of inputs that are given or zero when left out", () => {
    const page = mechanism({
      ...base,
      inputs: { x: "T", w: "T = 1", b: "T = 0" },
      outputs: { y: "T" },
      properties: [{ even: "w" }, { even: "b" }, { even: "x", when: (n) => n.T > 1 }],
      run: ({ x }) => ({ y: (t) => x(t) ** 2 }),
    });
    const [w, b, x] = laws(page) as [Law, Law, Law];
    const one: Case = { inputs: { x: tensorOf([1]) }, options: {} };
    const two: Case = { inputs: { x: tensorOf([1, 2]), w: tensorOf([1, 1]) }, options: {} };
    expect([w, b, x].map((law) => law.applies(one))).toEqual([false, true, false]);
    expect([w, b, x].map((law) => law.applies(two))).toEqual([true, true, true]);
  });
  test("is judged within what the caller allows", async () => {
    const page = averaging({ linear: "v" }, (y) => y + 1e-6);
    const drawn: Case = { inputs: { x: tensorOf([0, 0]), v: tensorOf([[1], [2]]) }, options: {} };
    const compute = (inputs: Case["inputs"]) => evaluate(page.page, inputs, {});
    expect(await laws(page)[0]!.broken(compute, drawn, random(1))).toContain("y[0] is");
    expect(await laws(page)[0]!.broken(compute, drawn, random(1), () => 1e-5)).toBeUndefined();
  });
});

describe("the laws every page owes", () => {
  const [sound, batch, names] = owed(rows({ even: "x" }, (x, t) => x(t)));
  const broken = (page: AnyMechanism, which = 0, inputs: Case["inputs"] = { x: tensorOf([1, 2]) }) =>
    owed(page)[which]!.broken(() => ({}), { inputs, options: {} }, random(1));
  const plain = (f: (x: (t: number) => number, t: number) => number) =>
    mechanism({ ...base, inputs: { x: "T" }, outputs: { y: "T" }, run: ({ x }) => ({ y: (t) => f(x, t) }) });

  test("are three, and hold for a page that is sound", async () => {
    expect([sound, batch, names].map((law) => law!.name)).toEqual([
      "returns the declared outputs without NaN, the same each time, and leaves its inputs alone",
      "maps over a leading batch axis",
      "names the input whose axis disagrees",
    ]);
    const page = plain((x, t) => x(t));
    for (const which of [0, 1, 2]) expect(await broken(page, which)).toBeUndefined();
  });
  test("fail for a page that returns NaN", async () =>
    expect(await broken(plain((x, t) => Math.sqrt(x(t) - 2)))).toBe("y holds NaN"));
  test("fail for a page that changes its input", async () => {
    const x = tensorOf([1, 2]);
    const page = plain((read, t) => {
      const value = read(t);
      x.data[t] = 7;
      return value;
    });
    expect(await broken(page, 0, { x })).toBe("an input was changed");
  });
  test("fail for a page that gives other results the second time", async () => {
    let calls = 0;
    expect(await broken(plain((x, t) => x(t) + calls++))).toMatch(/^y\[0\] is 3, expected 1$/);
  });
  test("fail for a page that leaves out an output it declares, but not for one that may be absent", async () => {
    const page = (shape: "T" | "T = none") =>
      mechanism({
        ...base,
        inputs: { x: "T" },
        outputs: { y: "T", z: shape },
        run: ({ x }) => ({ y: (t: number) => x(t), z: undefined }) as never,
      });
    expect(await broken(page("T"))).toBe("there is no output z");
    expect(await broken(page("T = none"))).toBeUndefined();
  });
  test("fail for a page that remembers one entry of a batch for the next", async () => {
    let calls = 0;
    expect(
      await broken(
        plain((x, t) => x(t) + (calls++ > 3 ? 1 : 0)),
        1,
      ),
    ).toContain("y[1, 0] is");
  });
  test("fail for a page that chokes on an axis that disagrees", async () => {
    const page = mechanism({
      ...base,
      inputs: { x: "T", w: "T" },
      outputs: { y: "T" },
      expects: {
        "x must be as long as w": () => {
          throw new TypeError("choked");
        },
      },
      run: ({ x }) => ({ y: (t) => x(t) }),
    });
    const one = mechanism({
      ...base,
      inputs: { x: "T" },
      outputs: { y: "T" },
      run: ({ x }, { T }) => {
        if (T > 2) throw new TypeError("choked");
        return { y: (t) => x(t) };
      },
    });
    expect(await broken(one, 2)).toBe("failed with TypeError: choked");
    const both: Readonly<Record<string, Tensor>> = { x: tensorOf([1]), w: tensorOf([1]) };
    expect(await broken(page, 2, both as Case["inputs"])).toBeUndefined();
  });
});
