import { brotliCompressSync } from "node:zlib";
import { expect, test, vi } from "vitest";
import { hasRelaxedSimd, load, type Tile, tiles } from "../../src/wasm.ts";
import { plainBytes, relaxedBytes } from "./targets.ts";

const best = hasRelaxedSimd() ? "relaxed" : "simd";

test("with nothing given the kernels find their own files and take the target that the engine runs", async () => {
  expect((await load()).target).toBe(best);
});
test("bytes, a module or a URL, one or of both targets", async () => {
  const both = { simd: plainBytes, relaxed: relaxedBytes };
  expect((await load({ bytes: plainBytes })).target).toBe("simd");
  expect((await load({ bytes: both })).target).toBe(best);
  expect((await load({ bytes: { simd: plainBytes } })).target).toBe("simd");
  expect((await load({ module: await WebAssembly.compile(plainBytes) })).target).toBe("simd");
  const url = `data:application/wasm;base64,${Buffer.from(plainBytes).toString("base64")}`;
  expect((await load({ url })).target).toBe("simd");
});
test("Deno reads them itself", async () => {
  const asked: string[] = [];
  vi.stubGlobal("Deno", {
    readFile: async (url: URL) => {
      asked.push(url.href);
      return url.href.includes("relaxed") ? relaxedBytes : plainBytes;
    },
  });
  try {
    expect((await load({ url: { simd: "file:///simd.wasm", relaxed: "file:///relaxed.wasm" } })).target).toBe(best);
  } finally {
    vi.unstubAllGlobals();
  }
  expect(asked).toEqual([`file:///${best}.wasm`]);
});
test("the engine takes the relaxed module exactly if the probe says so", () => {
  expect(WebAssembly.validate(relaxedBytes)).toBe(hasRelaxedSimd());
});
test("the memory is the caller's, and stays as it was where nothing was handed out", async () => {
  const memory = new WebAssembly.Memory({ initial: 1 });
  new Uint8Array(memory.buffer).fill(7);
  const kernels = await load({ bytes: plainBytes, memory });
  const one = { shape: [1, 1], data: Float32Array.of(3) };
  expect([...kernels.matmul(one, one).data]).toEqual([9]);
  expect(kernels.arena.memory).toBe(memory);
  expect(new Uint8Array(memory.buffer, 0, 65536).every((byte) => byte === 7)).toBe(true);
});
test("several sources, a foreign module and a missing file are refused by name", async () => {
  await expect(load({ bytes: plainBytes, url: "kernels.wasm" })).rejects.toThrow(
    "load: give one of bytes, url, not more",
  );
  const empty = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
  await expect(load({ bytes: empty })).rejects.toThrow("load: the module exports nothing, not this version's kernels");
  await expect(load({ url: new URL("nowhere.wasm", import.meta.url) })).rejects.toThrow("nowhere.wasm");
});
test("both modules stay small", () => {
  for (const bytes of [plainBytes, relaxedBytes]) expect(brotliCompressSync(bytes).length).toBeLessThan(100_000);
});
test("the tile is measured once there is work, for the whole process, unless it is given", async () => {
  const kernels = await load({ bytes: plainBytes });
  const square = { shape: [256, 256], data: new Float32Array(65536).fill(1) };
  const before = kernels.arena.used;
  // Four parts, the last after 8e9 operations.
  for (let i = 0; i < 8e9 / (2 * 256 ** 3); i++) kernels.matmul(square, square);
  expect(kernels.arena.used).toBe(before);
  expect((await load({ bytes: plainBytes })).tile).toBe(kernels.tile);
  for (const tile of tiles) expect((await load({ bytes: plainBytes, tile })).tile).toBe(tile);
  await expect(load({ bytes: plainBytes, tile: "8x8" as Tile })).rejects.toThrow(
    "load: tile must be 4x8 or 6x8 or 4x8-shuffled, got 8x8",
  );
});
test("an option that a call does not have is refused, with those it has", async () => {
  const kernels = await load({ bytes: plainBytes });
  const x = { shape: [1, 2, 4], data: new Float32Array(8) };
  const before = kernels.arena.used;
  expect(() => kernels.attention(x, x, x, { causl: true } as object)).toThrow(
    "attention: there is no option causl; the options are scale, left, right",
  );
  expect(() => kernels.matmul(x, x, { transpose: true } as object)).toThrow(
    "matmul: there is no option transpose; the options are transposed, bias, into",
  );
  expect(() => kernels.linearAttention(x, x, x, { gate: x } as object)).toThrow(
    "linearAttention: there is no option gate; the options are",
  );
  await expect(load({ byte: plainBytes } as object)).rejects.toThrow("load: there is no option byte; the options are");
  expect(kernels.arena.used).toBe(before);
});
test("a tensor or weights that are missing are named", async () => {
  const kernels = await load({ bytes: plainBytes });
  const u = { shape: [2, 3], data: new Float32Array(6) };
  const wrong = (call: () => unknown, message: string) => expect(call).toThrow(message);
  wrong(
    () => kernels.selectiveScan({ u } as unknown as Parameters<typeof kernels.selectiveScan>[0]),
    "selectiveScan: delta is missing; expected { shape: [T, C], data }",
  );
  wrong(
    () => kernels.ssd({ u } as unknown as Parameters<typeof kernels.ssd>[0]),
    "ssd: u has shape [2, 3], expected [T, H, E]",
  );
  wrong(
    () => kernels.project(u, {} as Parameters<typeof kernels.project>[1]),
    "project: weights must be what pack or quantise gives",
  );
});
