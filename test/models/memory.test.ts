import fc from "fast-check";
import { expect, test } from "vitest";
import { Memory } from "../../src/models/memory.ts";
import { load, type WasmTensor } from "../../src/wasm.ts";

test("tensors that are taken do not overlap, and what is given back is taken again", async () => {
  const kernels = await load();
  const before = kernels.arena.used;
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(3000)), { maxLength: 60 }), (steps) => {
      const memory = new Memory(kernels);
      const open: { tensor: WasmTensor; value: number }[] = [];
      let [size, most, value] = [0, 0, 0];
      for (const [takes, number] of steps)
        if (takes || !open.length) {
          const tensor = memory.take([number + 1]);
          tensor.data.fill(++value);
          open.push({ tensor, value });
          size += number + 1;
          most = Math.max(most, size);
        } else {
          const { tensor } = open.splice(number % open.length, 1)[0]!;
          size -= tensor.data.length;
          memory.give(tensor);
        }
      for (const { tensor, value } of open) expect(new Set(tensor.data)).toEqual(new Set([value]));
      for (const { tensor } of open) memory.give(tensor);
      // All that was ever taken is one free block now.
      const used = kernels.arena.used;
      memory.take([most]);
      expect(kernels.arena.used).toBe(used);
      memory.release();
      expect(kernels.arena.used).toBe(before);
    }),
  );
});
