import { afterAll, beforeAll, expect, test } from "vitest";
import { Memory } from "../../src/models/memory.ts";
import type { Attention } from "../../src/models/plan.ts";
import { KeyValues } from "../../src/models/state.ts";
import { load } from "../../src/wasm.ts";

let memory: Memory;
beforeAll(async () => {
  memory = new Memory(await load());
});
afterAll(() => memory.release());

const mixer = (window?: number) => ({ kind: "attention", keyHeads: 2, headWidth: 4, window }) as Attention;

test.each([
  [5, 1],
  [5, 3],
  [100, 1],
  [100, 17],
  [300, 128],
])("a window of %d, given %d tokens at a time, holds the last ones in order, in little more room", (window, size) => {
  const state = new KeyValues(mixer(window), memory);
  for (let position = 0; position < 1000; position += size) {
    state.reserve(size);
    const { newKeys, newValues, keys, values } = state.append(size, position);
    newKeys.data.forEach((_, i, data) => {
      data[i] = 8 * position + i;
    });
    newValues.data.forEach((_, i, data) => {
      data[i] = -8 * position - i;
    });
    // What the last of the new tokens sees, and before it what the first of them does.
    const seen = Math.min(position + size, window - 1 + size);
    const wanted = Array.from({ length: 8 * seen }, (_, i) => 8 * (position + size - seen) + i);
    expect([...keys.data.slice(-8 * seen)]).toEqual(wanted);
    expect([...values.data.slice(-8 * seen)].map(Math.abs)).toEqual(wanted);
    expect(state.bytes).toBeLessThanOrEqual(2 * 4 * 8 * Math.max(window + size, window * 1.125 + 32));
  }
  state.release();
});
