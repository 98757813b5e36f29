import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { random } from "../../src/oracle.ts";
import { Pool } from "../../src/wasm/threads/pool.ts";
import { sharing } from "../../src/wasm/threads/shared.ts";
import { thenSmall } from "../../src/wasm/threads/split.ts";
import { starter } from "../../src/wasm/threads/worker.ts";
import { type Floats, hasRelaxedSimd, type Kernels, load } from "../../src/wasm.ts";
import { rowsOf } from "./cached.ts";
import { plain, plainBytes, relaxedBytes } from "./targets.ts";

const source = random(17);
const drawn = (...shape: number[]): Floats => ({
  shape,
  data: Float32Array.from({ length: shape.reduce((n, length) => n * length, 1) }, () => source.normal()),
});

/** Calls until the workers have done something: they start when first needed, and who is first takes the tasks. */
async function helped(kernels: Kernels, call: () => unknown): Promise<void> {
  const before = kernels.workers.tasks;
  for (let i = 0; i < 1000; i++) {
    call();
    if (kernels.workers.started === kernels.threads - 1 && kernels.workers.tasks > before) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error("no worker has taken a task");
}

const all = [
  { name: "simd", bytes: plainBytes, runs: true },
  { name: "relaxed", bytes: relaxedBytes, runs: hasRelaxedSimd() },
];

for (const { name, bytes, runs } of all)
  describe.skipIf(!runs)(name, () => {
    let one: Kernels;
    let several: readonly Kernels[];
    beforeAll(async () => {
      one = await load({ bytes, poison: true });
      several = [await load({ bytes, threads: 2, poison: true }), await load({ bytes, threads: 3, poison: true })];
    });
    afterAll(() => {
      for (const kernels of several) kernels.close();
    });
    /** The same call in one thread and in several, the workers taking part. */
    const same = async (call: (kernels: Kernels) => unknown) => {
      const expected = call(one);
      for (const kernels of several) {
        const used = kernels.arena.used;
        await helped(kernels, () => expect(call(kernels)).toEqual(expected));
        expect(kernels.arena.used).toBe(used);
      }
    };
    test("products are the same bits in 1, 2 and 3 threads", { timeout: 120_000 }, async () => {
      for (const [M, K, N] of [
        [301, 257, 203],
        [1, 700, 1100],
        [70, 300, 523],
      ] as const) {
        const [a, b, bias] = [drawn(M, K), drawn(K, N), drawn(N)];
        await same(({ matmul }) => matmul(a, b, { bias }));
        const turned = drawn(N, K);
        await same(({ matmul }) => matmul(a, turned, { transposed: true }));
      }
      const [a, b] = [drawn(3, 90, 80), drawn(3, 80, 130)];
      await same(({ matmul }) => matmul(a, b));
    });
    test("attention is, with every option", { timeout: 240_000 }, async () => {
      const [q, k, v] = [drawn(4, 197, 24), drawn(2, 260, 24), drawn(2, 260, 20)];
      const [sinks, slopes, relative] = [drawn(4), drawn(4), drawn(4, 31)];
      const mask = {
        shape: [4, 197, 260],
        data: Uint8Array.from({ length: 4 * 197 * 260 }, (_, i) => Number(i % 7 > 1)),
      };
      const seen = { shape: [4, 9, 18], data: Uint8Array.from({ length: 4 * 9 * 18 }, (_, i) => Number(i % 5 > 1)) };
      await same(({ attention }) => attention(q, k, v));
      await same(({ attention }) => attention(q, k, v, { causal: true, sinks, slopes, cap: 3 }));
      await same(({ attention }) => attention(q, k, v, { left: 40, right: 30, bias: drawnOnce, relative }));
      await same(({ attention }) => attention(q, k, v, { mask, align: "top-left", causal: true }));
      await same(({ attention }) => attention(q, k, v, { blocks: { seen, queries: 24, keys: 15 } }));
      const [x, y, z] = [drawn(2, 150, 3, 16), drawn(2, 170, 1, 16), drawn(2, 170, 1, 16)];
      await same(({ attention }) => attention(x, y, z, { layout: "tokens-first", lengths: [170, 101], causal: true }));
    });
    const drawnOnce = drawn(197, 260);
    test("a decode step is, whatever the cache holds", { timeout: 240_000 }, async () => {
      for (const [heads, keyHeads, queries] of [
        [8, 8, 1],
        [5, 5, 1],
        [7, 1, 1],
        [12, 2, 2],
      ] as const) {
        const [q, k, v] = [drawn(heads, queries, 29), drawn(keyHeads, 2100, 29), drawn(keyHeads, 2100, 21)];
        const [sinks, slopes, bias] = [drawn(heads), drawn(heads), drawn(heads, queries, 2100)];
        for (const type of ["float32", "float16", "int8"] as const) {
          const [keys, values] = [rowsOf(k, type), rowsOf(v, type)];
          await same(({ decode }) => decode(q, keys, values));
          await same(({ decode }) => decode(q, keys, values, { sinks, slopes, bias, left: 2000 }));
          await same((kernels) => {
            const cache = kernels.cache({ heads: keyHeads, width: 29, valueWidth: 21, type });
            cache.append(k, v);
            const attended = cache.attend(q, { sinks });
            cache.release();
            return attended;
          });
        }
      }
    });
    test("one query far too large for float16 or integers changes nothing for other heads", async () => {
      const [q, k, v] = [drawn(4, 1, 30), drawn(4, 3000, 30), drawn(4, 3000, 30)];
      q.data.fill(1e32, 30, 60);
      for (const type of ["float16", "int8"] as const) {
        const turned = (t: Floats) => ({ shape: [t.shape[1]!, t.shape[0]!, t.shape[2]!], data: t.data });
        const [keys, values] = [rowsOf(turned(k), type), rowsOf(turned(v), type)];
        await same(({ decode }) => decode(turned(q), keys, values, { layout: "tokens-first" }));
      }
    });
    test("they stay the same when the memory grows between calls and another tile is chosen", async () => {
      const [a, b] = [drawn(200, 200), drawn(200, 200)];
      for (const kernels of several) {
        await helped(kernels, () => kernels.matmul(a, b));
        const region = kernels.region();
        region.tensor([3_000_000]);
        for (const tile of [1, 2, 0]) {
          kernels.exports.chooseTile(tile);
          one.exports.chooseTile(tile);
          await helped(kernels, () => expect(kernels.matmul(a, b)).toEqual(one.matmul(a, b)));
        }
        region.release();
      }
    });
  });

test("kernels say how many threads they have, and go on in one when closed", async () => {
  expect(plain.threads).toBe(1);
  const kernels = await load({ bytes: plainBytes, threads: 2 });
  expect(kernels.threads).toBe(2);
  expect(kernels.workers).toEqual({ started: 0, tasks: 0 });
  const [a, b] = [drawn(200, 200), drawn(200, 200)];
  const product = kernels.matmul(a, b);
  kernels.close();
  kernels.close();
  expect(kernels.threads).toBe(1);
  expect(kernels.matmul(a, b)).toEqual(product);
});

test("a task that fails is an error of the call, wherever it ran, and the pool goes on", async () => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true });
  const module = await WebAssembly.compile(sharing(plainBytes));
  const { exports } = await WebAssembly.instantiate(module, { env: { memory } });
  const pool = new Pool(2, (await starter())!, module, memory, exports);
  const far = { name: "attend", args: [2 ** 31], scratch: 4096 } as const;
  expect(() => pool.run([far, far, far], [0, 0])).toThrow(
    "pool: a task failed: RuntimeError: memory access out of bounds",
  );
  expect(() => pool.run([], [0, 0])).not.toThrow();
  pool.close();
});

test("a worker that cannot start is an error of the next call", async () => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true });
  const { exports } = new WebAssembly.Instance(await WebAssembly.compile(sharing(plainBytes)), { env: { memory } });
  // Its memory is not shared.
  const pool = new Pool(2, (await starter())!, await WebAssembly.compile(plainBytes), memory, exports);
  pool.run([], [0, 0]);
  for (let i = 0; i < 400; i++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    try {
      pool.run([], [0, 0]);
    } catch (cause) {
      expect(String(cause)).toMatch("pool: a worker stopped");
      pool.close();
      return;
    }
  }
  throw new Error("the worker did not fail");
});

test("a process that has not closed its kernels ends all the same", { timeout: 60_000 }, async () => {
  const entry = new URL("../../src/wasm.ts", import.meta.url).href;
  const script = `
    import { load } from ${JSON.stringify(entry)};
    const kernels = await load({ threads: 3 });
    const x = { shape: [300, 300], data: new Float32Array(90000).fill(1) };
    while (!kernels.workers.tasks) {
      kernels.matmul(x, x);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    console.log(kernels.threads, kernels.workers.started > 0);`;
  const flags = ["--import", "tsx", "--input-type=module", "--eval", script];
  const cwd = fileURLToPath(new URL("../..", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, flags, { cwd, timeout: 50_000 });
  expect(stdout.trim()).toBe("3 true");
});

test("what threads cannot do is refused by name", async () => {
  await expect(load({ bytes: plainBytes, threads: 0 })).rejects.toThrow("load: threads must be a whole number from 1");
  await expect(load({ module: await WebAssembly.compile(plainBytes), threads: 2 })).rejects.toThrow(
    "load: a compiled module cannot share its memory: give bytes or url",
  );
  await expect(load({ bytes: plainBytes, threads: 2, memory: new WebAssembly.Memory({ initial: 1 }) })).rejects.toThrow(
    "load: memory must be shared for more than one thread",
  );
  const memory = new WebAssembly.Memory({ initial: 2, maximum: 1000, shared: true });
  const kernels = await load({ bytes: plainBytes, threads: 2, memory });
  expect(kernels.arena.memory).toBe(memory);
  kernels.close();
  expect(() => sharing(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0))).toThrow("imports nothing");
});

test("an axis is cut into equal shares: large ones, then small ones", () => {
  expect(thenSmall(1024, 12, 2)).toEqual([
    [0, 384],
    [384, 768],
    [768, 900],
    [900, 1024],
  ]);
  for (const [grain, threads] of [
    [12, 2],
    [12, 5],
    [64, 3],
    [64, 16],
  ] as const)
    for (let length = 1; length < 2500; length += 7) {
      const parts = thenSmall(length, grain, threads);
      expect([parts[0]![0], parts.at(-1)![1]]).toEqual([0, length]);
      expect(parts.length).toBeLessThanOrEqual(2 * threads);
      parts.forEach(([from, to], i) => {
        expect(to).toBeGreaterThan(from);
        expect(from).toBe(i ? parts[i - 1]![1] : 0);
        expect(from % grain).toBe(0);
      });
      // Each thread's share, taken in turn by whoever is done first, is the same but for the grain.
      const busy = new Array<number>(threads).fill(0);
      for (const [from, to] of parts) busy[busy.indexOf(Math.min(...busy))]! += to - from;
      expect(Math.max(...busy)).toBeLessThanOrEqual(length / threads + 2 * grain);
    }
});
