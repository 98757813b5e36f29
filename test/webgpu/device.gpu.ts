/** What happens around the kernels: lost devices, memory, two devices, limits, tensors that are freed. */
import { expect, test } from "vitest";
import { scaledDotProductAttention } from "../../spec/core/scaled-dot-product-attention.ts";
import type { KernelTensor } from "../../src/oracle/kernel.ts";
import { conforms, type Kernel } from "../../src/oracle.ts";
import { type AttentionTuning, attention } from "../../src/webgpu/attention/attention.ts";
import { largeShapes } from "../../src/webgpu/attention/shapes.ts";
import { matmul, shapes as productShapes } from "../../src/webgpu/matmul.ts";
import { DeviceError, GpuTensor, hosted, KernelError, open } from "../../src/webgpu.ts";
import { opened } from "./gpus.ts";

const floats = (...shape: number[]) => ({
  shape,
  data: Float32Array.from({ length: shape.reduce((size, n) => size * n, 1) }, (_, i) => Math.sin(i + 1)),
});
const product = (a: ReturnType<typeof floats>, b: ReturnType<typeof floats>) => {
  const [M, K] = a.shape as [number, number];
  const N = b.shape[1]!;
  return Array.from({ length: M * N }, (_, at) => {
    let sum = 0;
    for (let k = 0; k < K; k++) sum += a.data[Math.floor(at / N) * K + k]! * b.data[k * N + (at % N)]!;
    return Math.fround(sum);
  });
};

test("tensors stay on the GPU from call to call, and are freed", async () => {
  const gpu = await opened(true);
  {
    using a = gpu.upload(floats(3, 4));
    using b = gpu.upload(floats(4, 5));
    using c = gpu.matmul(a, b);
    using d = gpu.matmul(c, gpu.upload(floats(5, 2)));
    expect(c).toBeInstanceOf(GpuTensor);
    expect((await d.read()).shape).toEqual([3, 2]);
    const { data } = await c.read();
    product(floats(3, 4), floats(4, 5)).forEach((value, i) => {
      expect(data[i]).toBeCloseTo(value, 5);
    });
  }
  const freed = gpu.blank([2, 2]);
  freed.free();
  freed.free();
  expect(() => gpu.matmul(freed, freed)).toThrow(/a of shape \[2, 2\] is freed/);
  await expect(async () => freed.read()).rejects.toThrow(/freed; read\(\) it before/);
  gpu.close();
});

test("memory that is used again does not change what was asked before", async () => {
  const gpu = await opened(true);
  const [a, b] = [floats(3, 4), floats(4, 5)];
  const first = gpu.upload(a);
  const c = gpu.matmul(first, b);
  first.free();
  // Takes the memory of the one that is freed, which the product has not read yet.
  const second = gpu.upload({ shape: [3, 4], data: new Float32Array(12).fill(9) });
  const { data } = await c.read();
  product(a, b).forEach((value, i) => {
    expect(data[i]).toBeCloseTo(value, 5);
  });
  expect([...(await second.read()).data]).toEqual(Array(12).fill(9));
  gpu.close();
});

test("two devices at once do not mix, and say so", async () => {
  const [one, two] = await Promise.all([opened(true), opened(true)]);
  const [a, b] = [one.upload(floats(2, 2)), two.upload(floats(2, 2))];
  expect(() => one.matmul(a, b)).toThrow(/b belongs to another device/);
  const [x, y] = await Promise.all([one.matmul(a, a).read(), two.matmul(b, b).read()]);
  expect([...x.data]).toEqual([...y.data]);
  one.close();
  // The other goes on.
  expect([...(await two.matmul(b, b).read()).data]).toEqual([...x.data]);
  two.close();
});

test("a lost device says so, and a new one works", async () => {
  const gpu = await opened(true);
  const a = gpu.upload(floats(2, 2));
  const pending = gpu.matmul(a, a).read();
  await pending;
  gpu.close();
  await new Promise((resolve) => setTimeout(resolve, 50));
  for (const use of [() => gpu.matmul(a, a), () => gpu.upload(floats(1)), () => gpu.blank([2])])
    expect(use).toThrow(/the GPU device is lost .* open a new one/);
  await expect(a.read()).rejects.toThrow(DeviceError);
  const next = await opened(true);
  expect((await next.matmul(floats(2, 2), floats(2, 2)).read()).shape).toEqual([2, 2]);
  next.close();
});

test("a tensor larger than the device's buffers is refused with its size", async () => {
  const gpu = await opened(true);
  expect(() => gpu.blank([2 ** 14, 2 ** 14])).toThrow(/1073741824 bytes does not fit: this device's buffers hold/);
  expect((await gpu.matmul(floats(1, 1), floats(1, 1)).read()).shape).toEqual([1, 1]);
  gpu.close();
});

test("what a binding cannot hold goes to several dispatches, with the same results", async () => {
  const gpu = await opened(true);
  const run = async () => {
    const { out, lse } = gpu.attention(floats(3, 4, 40, 16), floats(3, 2, 90, 16), floats(3, 2, 90, 12), {
      causal: true,
      bias: floats(90),
      lengths: [90, 30, 61],
    });
    const products = [
      gpu.matmul(floats(1, 16), floats(700, 16), { transposed: true, bias: floats(700) }),
      gpu.matmul(floats(300, 40), floats(40, 30)),
      gpu.matmul(floats(5, 20, 30), floats(5, 30, 20)),
    ];
    return Promise.all([out, lse, ...products].map(async (t) => (await t.read()).data));
  };
  const whole = await run();
  const { limits } = gpu.device.gpu;
  const few = { maxStorageBufferBindingSize: 16_384, minStorageBufferOffsetAlignment: 256, maxBufferSize: 2 ** 28 };
  Object.defineProperty(gpu.device.gpu, "limits", {
    value: new Proxy(limits, { get: (all, name) => few[name as keyof typeof few] ?? Reflect.get(all, name, all) }),
  });
  expect(gpu.device.gpu.limits.maxStorageBufferBindingSize).toBe(16_384);
  const inParts = await run();
  inParts.forEach((values, i) => {
    expect([...values], String(i)).toEqual([...whole[i]!]);
  });
  gpu.close();
});

/** Softmax attention with shapes and splits of one's own. */
const tuned =
  (gpu: Awaited<ReturnType<typeof opened>>, tuning: AttentionTuning): Kernel<typeof scaledDotProductAttention> =>
  async ({ q, k, v }, { scale, causal }) => {
    const one = (t: KernelTensor) => ({ shape: [1, ...t.shape], data: t.data as Float32Array });
    const { out } = attention(gpu.device, one(q), one(k), one(v), { scale, causal }, tuning);
    return { out: (await out.read()).data };
  };

test.each(largeShapes)("a large shape, %o, conforms too", async (shape) => {
  const gpu = await opened(false);
  const fixed = {
    sizes: { Tq: 150, Tk: 190, D: 64, E: 64 },
    options: { causalAlign: "bottom-right" },
    given: { mask: false, bias: false },
  };
  const verdict = await conforms(scaledDotProductAttention, tuned(gpu, { shape }), { cases: 2, fixed });
  expect(verdict.conforms, String(verdict)).toBe(true);
  gpu.close();
});

test.each([2, 3, 7])("keys split into %i ranges conform too", async (splits) => {
  const gpu = await opened(true);
  const fixed = { options: { causalAlign: "bottom-right" }, given: { mask: false, bias: false } } as const;
  for (const sizes of [
    { Tq: 40, Tk: 150, D: 20, E: 36 },
    { Tq: 70, Tk: 33, D: 5, E: 7 },
  ]) {
    const options = { cases: 4, fixed: { ...fixed, sizes } };
    const verdict = await conforms(scaledDotProductAttention, tuned(gpu, { splits }), options);
    expect(verdict.conforms, String(verdict)).toBe(true);
  }
  gpu.close();
});

test("ranges of keys count a sink once, and give the log-sum-exp of the whole", async () => {
  const gpu = await opened(true);
  const [q, k, v] = [floats(2, 40, 12), floats(2, 200, 12), floats(2, 200, 8)];
  const run = async (splits: number) => {
    const { out, lse } = attention(gpu.device, q, k, v, { sinks: floats(2), causal: true }, { splits });
    return [...(await out.read()).data, ...(await lse.read()).data];
  };
  const [whole, split] = [await run(1), await run(4)];
  whole.forEach((value, i) => {
    expect(split[i]).toBeCloseTo(value, 5);
  });
  gpu.close();
});

test.each(productShapes)("a product in tiles of the shape %o is within the bound of its sums", async (shape) => {
  const gpu = await opened(false);
  for (const [M, K, N] of [
    [37, 29, 45],
    [140, 36, 132],
    [131, 48, 140],
  ] as const)
    for (const transposed of [false, true]) {
      const [a, b, bias] = [floats(M, K), transposed ? floats(N, K) : floats(K, N), floats(N)];
      const { data } = await matmul(gpu.device, a, b, { transposed, bias }, shape).read();
      for (let at = 0; at < M * N; at++) {
        const [m, n] = [Math.floor(at / N), at % N];
        let [sum, size] = [bias.data[n]!, Math.abs(bias.data[n]!)];
        for (let k = 0; k < K; k++) {
          const term = a.data[m * K + k]! * b.data[transposed ? n * K + k : k * N + n]!;
          sum += term;
          size += Math.abs(term);
        }
        // Each of K + 1 additions, a multiplication in them, is off by at most half a unit of the sum of sizes.
        expect(Math.abs(data[at]! - sum), `${M} ${K} ${N} ${transposed} at ${at}`).toBeLessThanOrEqual(
          (K + 2) * 2 ** -24 * size,
        );
      }
    }
  gpu.close();
});

test("calls are handed to the GPU together: none waits for an upload of the one before", async () => {
  const gpu = await opened(true);
  const [q, k, v] = [1, 2, 3].map(() => gpu.upload(floats(1, 4, 8)));
  const { queue } = gpu.device.gpu;
  const submit = queue.submit.bind(queue);
  let submitted = 0;
  Object.defineProperty(queue, "submit", {
    value: (commands: GPUCommandBuffer[]) => {
      submitted++;
      submit(commands);
    },
  });
  const sinks = floats(1);
  for (const options of [{}, { sinks }, { causal: true }, { sinks }]) {
    const { out, lse } = gpu.attention(q!, k!, v!, options);
    out.free();
    lse.free();
  }
  expect(submitted).toBe(0);
  await gpu.attention(q!, k!, v!).out.read();
  expect(submitted).toBe(1);
  gpu.close();
});

test("float16 is refused where the GPU does not have it, and its programs are those of float32 but for the type", async () => {
  const gpu = await opened(true);
  const [a, b] = [floats(70, 50), floats(50, 45)];
  const [q, k, v] = [floats(2, 70, 20), floats(2, 90, 20), floats(2, 90, 36)];
  const precision = "float16";
  if (!gpu.device.half) {
    expect(() => gpu.matmul(a, b, { precision })).toThrow(/does not have shader-f16/);
    expect(() => gpu.attention(q, k, v, { precision })).toThrow(/does not have shader-f16/);
  }
  expect(() => gpu.matmul(a, b, { precision: "half" as never })).toThrow(
    /must be float32 or float16 or float16x2, got half/,
  );
  // On a GPU without float16 the programs run with float32 in its place.
  Object.defineProperty(gpu.device, "half", { value: "f32" });
  const results = async (precision: "float32" | "float16") => {
    const { out, lse } = gpu.attention(q, k, v, { causal: true, cap: 3, precision });
    const all = [gpu.matmul(a, b, { precision }), gpu.matmul(a, floats(33, 50), { transposed: true, precision })];
    return Promise.all([out, lse, ...all].map(async (tensor) => [...(await tensor.read()).data]));
  };
  const [exact, short] = [await results("float32"), await results("float16")];
  exact.forEach((values, i) => {
    values.forEach((value, at) => {
      expect(short[i]![at], `${i} ${at}`).toBeCloseTo(value, 4);
    });
  });
  gpu.close();
});

test("bad arguments are said as the WebAssembly kernels say them", async () => {
  const gpu = await opened(true);
  expect(() => gpu.matmul(floats(2, 3), floats(2, 3))).toThrow(KernelError);
  expect(() => gpu.matmul(floats(2, 3), floats(2, 3))).toThrow(/b has K = 2, but a has K = 3/);
  expect(() => gpu.attention(floats(1, 2, 4), floats(1, 2, 5), floats(1, 2, 4))).toThrow(/k has D = 5/);
  expect(() => gpu.attention(floats(1, 2, 4), floats(1, 2, 4), floats(1, 2, 300))).toThrow(/at most 256/);
  expect(() => gpu.matmul(floats(2, 2), floats(2, 2), { bais: floats(2) } as never)).toThrow(/no option bais/);
  expect(() => gpu.matmul(floats(2, 2), floats(2, 2), null as never)).toThrow(/options must be an object, got null/);
  expect(() => gpu.ssd(undefined as never)).toThrow(/u is missing; expected/);
  expect(() => gpu.blank([2, -1])).toThrow(/whole numbers from 0 on, got \[2, -1\]/);
  expect(() => gpu.upload(floats(2, 2)).reshaped(-2, -2)).toThrow(/whole numbers from 0 on/);
  expect(() => hosted(undefined as never)).toThrow(/gpu must be an opened GPU/);
  await expect(open({ gpu: { requestAdapter: async () => null } as unknown as GPU })).rejects.toThrow(/no adapter/);
  gpu.close();
});
