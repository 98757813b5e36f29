/** When attention goes to matrix units: decided from sizes and limits, so no GPU is needed. */
import { expect, test } from "vitest";
import { matricesFor } from "../../src/webgpu/attention/matrices.ts";
import { matricesInvocations, matricesQueries, matricesShared } from "../../src/webgpu/attention/matrices-program.ts";
import type { Device } from "../../src/webgpu/device.ts";

const limits = {
  maxComputeInvocationsPerWorkgroup: 1024,
  maxComputeWorkgroupStorageSize: 49152,
  maxStorageBufferBindingSize: 2 ** 31,
  maxComputeWorkgroupsPerDimension: 65535,
};
const deviceWith = (more: Partial<typeof limits>) => ({ gpu: { limits: { ...limits, ...more } } }) as unknown as Device;
const sizes = {
  ...{ batch: 1, batched: false, heads: 16, keyHeads: 16, queries: 4096, keys: 4096, width: 128, valueWidth: 128 },
};
const units = { sizes: { M: 16, N: 16, K: 16, subgroup: 32 }, parts: 2 } as const;
const narrow = { sizes: { M: 8, N: 8, K: 8, subgroup: 32 }, parts: 2 } as const;
const plan = (
  of: Partial<typeof sizes> = {},
  more: Partial<typeof limits> = {},
  on: typeof units | typeof narrow = units,
) => matricesFor(deviceWith(more), { ...sizes, ...of }, on, {});

test("a plan stays within the device's limits, and every query has its invocations", () => {
  for (const on of [units, narrow])
    for (const width of [1, 16, 40, 64, 128, 256])
      for (const valueWidth of [1, 24, 64]) {
        const found = plan({ width, valueWidth }, {}, on);
        expect(found, `${on.sizes.M} ${width} ${valueWidth}`).toBeDefined();
        const { shape, sizes, parts } = found!;
        expect(matricesShared(shape, sizes, parts)).toBeLessThanOrEqual(limits.maxComputeWorkgroupStorageSize);
        expect(matricesQueries(shape, sizes) % (matricesInvocations(shape, sizes) / shape.lanes)).toBe(0);
        expect(shape.lanes).toBeLessThanOrEqual(sizes.subgroup);
      }
});

test("features are not filled up with zeros to more than a quarter", () => {
  expect(plan({ width: 128 })!.shape.features).toBe(4);
  expect(plan({ width: 20 })!.shape.features).toBe(2);
  expect(plan({ width: 80 })!.shape.features).toBe(2);
  expect(plan({ width: 16 })!.shape.features).toBe(1);
});

test.each([
  ["values wider than 128", { valueWidth: 129 }, {}],
  ["fewer queries than a tile has rows", { queries: 15 }, {}],
  ["fewer keys than a tile has rows", { keys: 15 }, {}],
  ["no features", { width: 0 }, {}],
  ["the least shared memory", {}, { maxComputeWorkgroupStorageSize: 16384 }],
  ["the least invocations", {}, { maxComputeInvocationsPerWorkgroup: 128 }],
  ["tiles of more than one binding", {}, { maxStorageBufferBindingSize: 2 ** 24 }],
  [
    "more heads of all entries than workgroups side by side",
    { batch: 4500, queries: 16, keys: 16, width: 8, valueWidth: 8 },
    {},
  ],
  ["more rows of tiles than workgroups side by side", { heads: 1, keyHeads: 1, keys: 2 ** 21, width: 8 }, {}],
] as const)("%s: no matrix units", (_, of, more) => {
  expect(plan(of, more)).toBeUndefined();
});
