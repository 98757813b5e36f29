import { expect, test } from "vitest";
import type { Calls } from "../../src/pages.ts";
import { KernelError } from "../../src/wasm/error.ts";
import { dispatch } from "../../src/webgpu/dispatch.ts";

const square = (n: number) => ({ shape: [n, n], data: new Float32Array(n * n) });

/** A backend whose products take as long as `time` says for their size. */
function backend(time: (n: number) => number) {
  const sizes: number[] = [];
  const matmul = async (a: { readonly shape: readonly number[] }) => {
    sizes.push(a.shape[0]!);
    await new Promise((resolve) => setTimeout(resolve, time(a.shape[0]!)));
    return square(a.shape[0]!);
  };
  return { calls: { matmul, add: matmul } as unknown as Calls, sizes };
}

test("small calls stay, large calls go to the GPU, measured once for sizes alike", async () => {
  const [wasm, webgpu] = [backend((n) => n), backend(() => 30)];
  const { calls, measured } = dispatch({ wasm: wasm.calls, webgpu: webgpu.calls });
  for (const n of [2, 120]) await calls.matmul(square(n), square(n));
  expect([...measured.keys()]).toEqual(["matmul [2,2] [2,2]", "matmul [128,128] [128,128]"]);
  wasm.sizes.length = webgpu.sizes.length = 0;
  await calls.matmul(square(2), square(2));
  await calls.matmul(square(121), square(121));
  expect([wasm.sizes, webgpu.sizes]).toEqual([[2], [121]]);
});

test("the choice can be made for it", async () => {
  const [wasm, webgpu] = [backend(() => 0), backend(() => 0)];
  const of = (use: "wasm" | "webgpu") => dispatch({ wasm: wasm.calls, webgpu: webgpu.calls, use }).calls;
  await of("wasm").matmul(square(3), square(3));
  await of("webgpu").matmul(square(4), square(4));
  const { calls } = dispatch({
    wasm: wasm.calls,
    webgpu: webgpu.calls,
    use: (call) => (call === "add" ? "wasm" : "webgpu"),
  });
  await calls.add(square(5), square(5));
  await calls.matmul(square(6), square(6));
  expect([wasm.sizes, webgpu.sizes]).toEqual([
    [3, 5],
    [4, 6],
  ]);
  expect(() => dispatch({ wasm: wasm.calls, use: "webgpu" })).toThrow(/no webgpu is given/);
  expect(() => dispatch({ wasm: wasm.calls, use: "cuda" as never })).toThrow(/use must be wasm, webgpu or a function/);
  expect(() => dispatch({ wasm: wasm.calls, usee: "wasm" } as never)).toThrow(/no option usee/);
  expect(() => dispatch(undefined as never)).toThrow(/wasm must be started kernels/);
});

test("what the GPU has not, or cannot do, is done by WebAssembly; other errors come through", async () => {
  const wasm = backend(() => 0);
  const cannot = () => {
    throw new KernelError("matmul", "a", "too wide for this GPU");
  };
  const { calls } = dispatch({ wasm: wasm.calls, webgpu: { matmul: cannot } as unknown as Partial<Calls> });
  await calls.matmul(square(3), square(3));
  await calls.matmul(square(3), square(3));
  await calls.add(square(4), square(4));
  expect(wasm.sizes).toEqual([3, 3, 3, 4]);
  const lost = () => {
    throw new Error("lost");
  };
  const broken = dispatch({ wasm: wasm.calls, webgpu: { matmul: lost } as unknown as Partial<Calls> });
  await expect(broken.calls.matmul(square(3), square(3))).rejects.toThrow("lost");
});
