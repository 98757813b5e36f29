/** What must not compile. Checked by `npm run types`: an unused expectation is an error there. */
import { expect, test } from "vitest";
import { choice, flag, integer, mechanism } from "../../spec/page.ts";
import { tensorOf } from "../../src/oracle/tensors.ts";

const twice = mechanism({
  id: "test/types",
  name: "Types",
  paper: "2026",
  inputs: { x: "T (H D)", w: "D 2 = 0", levels: "L of Yl D" },
  outputs: { out: "T H" },
  options: { heads: integer(1, "heads"), on: flag(false, "on"), kind: choice(["a", "b"], "kind") },
  axes: { H: (_, o) => o.heads },
  run({ x, w, levels }, n, o, given) {
    const ok: number = x(0, 0, 0) + w(0, 1) + levels(0, 0, 0) + n.T + n.H + n.Yl[0]!;
    const heads: number = o.heads;
    const kind: "a" | "b" = o.kind;
    const present: boolean = given.w;
    void [ok, heads, kind, present];
    // @ts-expect-error a missing index
    const missing = () => x(0, 0);
    // @ts-expect-error an index too many
    const extra = () => w(0, 1, 2);
    // @ts-expect-error an axis no input has
    const axis = () => n.Q;
    // @ts-expect-error an option that is not declared
    const option = () => o.causal;
    // @ts-expect-error an input that is not optional
    const needed = () => given.x;
    void [missing, extra, axis, option, needed];
    return { out: (t, h) => x(t, h, 0) };
  },
});

test("calls are typed by the declaration", () => {
  const x = tensorOf([[1, 2]]);
  const levels = [tensorOf([[1, 2]])];
  expect(twice({ x, levels }).out.shape).toEqual([1, 1]);
  const wrong = () => {
    // @ts-expect-error a missing input
    twice({ x });
    // @ts-expect-error an input it does not have
    twice({ x, levels, y: x });
    // @ts-expect-error a word that is no choice
    twice({ x, levels }, { kind: "c" });
    // @ts-expect-error one tensor where a list is meant
    twice({ x, levels: x });
    // @ts-expect-error an output it does not have
    return twice({ x, levels }).lse;
  };
  void wrong;
});
