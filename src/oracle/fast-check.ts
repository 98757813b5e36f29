/** Cases of a page as a fast-check arbitrary. fast-check is an optional peer: only this file needs it. */
import fc from "fast-check";
import type { AnyMechanism } from "../../spec/page.ts";
import { type Case, type Drawing, draw, shrink } from "./cases.ts";
import { randomFrom } from "./random.ts";

class Cases extends fc.Arbitrary<Case> {
  constructor(
    readonly mechanism: AnyMechanism,
    readonly drawing: Drawing,
  ) {
    super();
  }
  override generate(source: fc.Random): fc.Value<Case> {
    return new fc.Value(
      draw(
        this.mechanism.page,
        randomFrom(() => source.nextInt(0, 2 ** 30 - 1) / 2 ** 30),
        this.drawing,
      ),
      undefined,
    );
  }
  override canShrinkWithoutContext(value: unknown): value is Case {
    return typeof value === "object" && value !== null && "inputs" in value;
  }
  override shrink(value: Case): fc.Stream<fc.Value<Case>> {
    return new fc.Stream(shrink(this.mechanism.page, value, this.drawing.fixed)).map(
      (simpler) => new fc.Value(simpler, undefined),
    );
  }
}

/** Cases a mechanism accepts, drawn from its declaration and shrunk towards small axes, default options and zeros. */
export const arbitrary = (mechanism: AnyMechanism, drawing: Drawing = {}): fc.Arbitrary<Case> =>
  new Cases(mechanism, drawing);
