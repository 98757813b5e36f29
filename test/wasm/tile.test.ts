/** Which way of making tiles is chosen, by clocks of all kinds: here time passes as a table says. */
import { afterEach, expect, test, vi } from "vitest";
import type { Arena } from "../../src/wasm/arena.ts";
import type { Exports } from "../../src/wasm/exports.ts";
import { TileChoice } from "../../src/wasm/tile.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

let targets = 0;

/** A choice among tiles of which each takes `cost(which, spent)` milliseconds, read off a clock in steps. */
function choosing(cost: (which: number, products: number) => number, step: number) {
  let [now, which, products] = [0.3, 0, 0];
  vi.spyOn(performance, "now").mockImplementation(() => {
    // To look at a clock takes 50 ns.
    now += 5e-5;
    return step === Infinity ? 0 : Math.floor(now / step) * step;
  });
  const exports = {
    chooseTile(tile: number) {
      which = tile;
    },
    matmulScratch: () => 0,
    matmul() {
      products++;
      now += cost(which, products);
    },
  };
  const tensor = () => ({ address: 0, data: new Float32Array(1) });
  const arena = { region: () => ({ tensor, allocate: () => 0, release() {} }) };
  const choice = new TileChoice(
    exports as unknown as Exports,
    arena as unknown as Arena,
    `target ${targets++}`,
    undefined,
  );
  return { choice, used: () => which, passed: () => now };
}

/** What is chosen after so many parts. */
function after({ choice, used }: ReturnType<typeof choosing>, operations: number): string {
  for (let i = 0; i < operations / 1e9; i++) choice.spend(1e9);
  expect(["4x8", "6x8", "4x8-shuffled"].indexOf(choice.tile)).toBe(used());
  return choice.tile;
}

test.each([
  [5e-5, "a fine clock"],
  [0.1, "a clock in steps of 100 µs"],
  [1, "a clock in steps of a millisecond"],
])("the fastest tile is found (steps of %d ms: %s)", (step) => {
  for (const [i, tile] of ["4x8", "6x8", "4x8-shuffled"].entries())
    expect(
      after(
        choosing((which) => (which === i ? 0.045 : 0.05), step),
        8e9,
      ),
    ).toBe(tile);
});
test("a tile that is faster by less than a fiftieth is not taken", () => {
  expect(
    after(
      choosing((which) => (which === 1 ? 0.0495 : 0.05), 5e-5),
      8e9,
    ),
  ).toBe("4x8");
});
test("a tile that compilers make ready late is found later", () => {
  const late = () => choosing((which, products) => (which === 1 && products > 150 ? 0.03 : 0.05), 5e-5);
  expect(after(late(), 1e9)).toBe("4x8");
  expect(after(late(), 8e9)).toBe("6x8");
});
test("where the clock stands still, loads are checked", () => {
  const still = choosing(() => 0.05, Infinity);
  expect(after(still, 1e9)).toBe("4x8-shuffled");
  const before = still.passed();
  after(still, 8e9);
  expect(still.passed()).toBe(before);
});
test("it takes 20 ms in all by a fine clock, and nothing before there is work", () => {
  const fine = choosing(() => 0.05, 5e-5);
  const before = fine.passed();
  fine.choice.spend(9e8);
  expect(fine.passed()).toBe(before);
  after(fine, 32e9);
  expect(fine.passed() - before).toBeGreaterThan(20);
  expect(fine.passed() - before).toBeLessThan(22);
});
