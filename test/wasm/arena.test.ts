import { describe, expect, test } from "vitest";
import { Arena } from "../../src/wasm.ts";

describe("arena", () => {
  test("tensors keep their values while the memory grows under them", () => {
    const arena = new Arena();
    const region = arena.region();
    const small = region.tensorOf({ shape: [3], data: [1, 2, 3] });
    const stale = small.data;
    region.tensor([100_000]);
    expect(stale).toHaveLength(0);
    expect([...small.data]).toEqual([1, 2, 3]);
  });
  test("a tensor of a released region throws, and says what to do", () => {
    const region = new Arena().region();
    const tensor = region.tensor([2, 3]);
    region.release();
    region.release();
    expect(() => tensor.data).toThrow(
      "the region of this tensor of shape [2, 3] is released; copy what is to outlive it",
    );
    expect(() => tensor.address).toThrow("released");
    expect(() => region.tensor([1])).toThrow("the region is released; open another with region()");
  });
  test("regions nest: the innermost hands out, an outer one releases those inside it", () => {
    const arena = new Arena();
    const before = arena.used;
    const outer = arena.region();
    const inner = arena.region();
    const tensor = inner.tensor([5]);
    expect(() => outer.tensor([1])).toThrow("a region inside this one is still open");
    outer.release();
    expect(() => tensor.data).toThrow("released");
    expect(arena.used).toBe(before);
  });
  test("addresses are multiples of 64 and regions do not overlap", () => {
    const region = new Arena().region();
    const addresses = [1, 17, 64, 0, 3].map((bytes) => region.allocate(bytes));
    expect(addresses.every((address) => address > 0 && address % 64 === 0)).toBe(true);
    expect(addresses.map((address, i) => address - (addresses[i - 1] ?? address))).toEqual([0, 64, 64, 64, 0]);
  });
  test("a memory that is given is used only beyond its end, or from where it is said", () => {
    const memory = new WebAssembly.Memory({ initial: 2 });
    expect(new Arena({ memory }).used).toBe(131072);
    expect(new Arena({ memory, from: 100 }).used).toBe(128);
  });
  test("a memory that cannot grow far enough says how much is missing", () => {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 2 });
    expect(() => new Arena({ memory }).region().tensor([65536])).toThrow(
      /cannot grow by 262144 bytes to the 327680 needed/,
    );
  });
  test("poisoned memory holds NaN before it is written and after it is released", () => {
    const arena = new Arena({ poison: true });
    const region = arena.region();
    const tensor = region.tensor([4]);
    expect([...tensor.data]).toEqual([Number.NaN, Number.NaN, Number.NaN, Number.NaN]);
    const { address } = tensor;
    tensor.data.fill(1);
    region.release();
    expect(new Float32Array(arena.memory.buffer, address, 1)[0]).toBeNaN();
  });
  test("values that do not fill a shape are refused, as is a shape with a broken length", () => {
    const region = new Arena().region();
    expect(() => region.tensorOf({ shape: [2, 2], data: [1, 2, 3] })).toThrow(
      "data has 3 values, but shape [2, 2] holds 4",
    );
    expect(() => region.tensor([1.5])).toThrow("shape [1.5] holds lengths that are no whole number");
  });
});
