/** One set of calls over two backends: each call goes where it was faster. */
import type { Calls } from "../pages.ts";
import { KernelError } from "../wasm/error.ts";

type Backend = "wasm" | "webgpu";
type AnyCall = (...given: unknown[]) => unknown;

export interface DispatchOptions {
  /** Started WebAssembly kernels, from `load` of `attnspec/wasm`. */
  readonly wasm: Calls;
  /** The calls of a GPU from arrays to arrays, from {@link hosted}. Default: all calls go to `wasm`. */
  readonly webgpu?: Partial<Calls> | undefined;
  /**
   * Where calls go: to one backend, or where a function says, given the call's name and its arguments. Default: to the
   * backend that was faster the first time a call of that name, those options and about those sizes (to the next power
   * of two) came, when both do it once to warm up and once for the clock.
   */
  readonly use?: Backend | ((call: keyof Calls, given: readonly unknown[]) => Backend) | undefined;
}

export interface Dispatched {
  readonly calls: Calls;
  /** What was measured so far, by call, options and sizes: milliseconds on either backend. */
  readonly measured: ReadonlyMap<string, Readonly<Record<Backend, number>>>;
}

/**
 * Calls that go to WebAssembly or to a GPU, whichever is faster here. Both compute in float32; what the GPU does not
 * have, or says it cannot do, is done by WebAssembly, and nothing is ever done in another precision.
 *
 * @throws KernelError if `use` asks for a GPU that is not given.
 */
export function dispatch(options: DispatchOptions): Dispatched {
  for (const name of Object.keys(options ?? {}))
    if (!["wasm", "webgpu", "use"].includes(name))
      throw new KernelError("dispatch", name, `there is no option ${name}; the options are wasm, webgpu, use`);
  const { wasm, webgpu, use } = options ?? {};
  if (typeof wasm?.matmul !== "function")
    throw new KernelError("dispatch", "wasm", "wasm must be started kernels: pass await load() of attnspec/wasm");
  if (use !== undefined && use !== "wasm" && use !== "webgpu" && typeof use !== "function")
    throw new KernelError("dispatch", "use", `use must be wasm, webgpu or a function, got ${use}`);
  if (use === "webgpu" && !webgpu)
    throw new KernelError("dispatch", "use", "use is webgpu, but no webgpu is given: pass hosted(await open())");
  const measured = new Map<string, Readonly<Record<Backend, number>>>();
  const choosing = (name: keyof Calls): AnyCall => {
    const here = wasm[name] as AnyCall;
    const there = webgpu?.[name] as AnyCall | undefined;
    if (!there || use === "wasm") return here;
    return async (...given) => {
      const backend = typeof use === "function" ? use(name, given) : use;
      if (backend) return (backend === "wasm" ? here : there)(...given);
      const key = `${name} ${given.map(described).join(" ")}`;
      const known = measured.get(key);
      if (known) return (known.wasm <= known.webgpu ? here : there)(...given);
      // Bad arguments are said by the first call, before anything is measured.
      await here(...given);
      const [ours, result] = await timed(() => here(...given));
      const theirs = await able(async () => {
        await there(...given);
        return (await timed(() => there(...given)))[0];
      });
      measured.set(key, { wasm: ours, webgpu: theirs });
      return result;
    };
  };
  const names = Object.keys(wasm).filter((name) => typeof wasm[name as keyof Calls] === "function");
  return {
    calls: Object.fromEntries(names.map((name) => [name, choosing(name as keyof Calls)])) as unknown as Calls,
    measured,
  };
}

/** The time of the body, or forever if the GPU says that it cannot; other errors are the caller's. */
async function able(body: () => Promise<number>): Promise<number> {
  try {
    return await body();
  } catch (error) {
    if (error instanceof KernelError) return Number.POSITIVE_INFINITY;
    throw error;
  }
}

async function timed(body: () => unknown): Promise<[number, unknown]> {
  const start = performance.now();
  const result = await body();
  return [performance.now() - start, result];
}

/** About what an argument is: shapes to the next power of two, options by name with their plain values. */
function described(given: unknown): string {
  if (typeof given !== "object" || given === null) return String(given);
  if ("shape" in given) return `[${(given.shape as number[]).map((n) => 2 ** Math.ceil(Math.log2(Math.max(1, n))))}]`;
  if (Array.isArray(given))
    return given.length > 8 ? `${2 ** Math.ceil(Math.log2(given.length))} things` : given.map(described).join();
  const options = Object.entries(given).filter(([, value]) => value !== undefined);
  return `{${options.map(([name, value]) => `${name}: ${described(value)}`).sort()}}`;
}
