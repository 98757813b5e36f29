/**
 * What a worker runs. Workers get these functions as text, which needs no file that a bundler would have to know of and
 * no loader of TypeScript: they use nothing but their arguments, and no function inside a function.
 */
import { type Control, control } from "./control.ts";

type Called = Readonly<Record<string, (...args: number[]) => void>>;

/** What a worker is started with. */
export interface Start {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly numbers: Int32Array;
  /** Which thread it is; the caller is 0. */
  readonly self: number;
  /** How often it looks for a new call before it sleeps. */
  readonly awake: number;
  readonly control: Control;
}

/** Takes tasks and does them until there are none; returns how many. */
export function take(
  numbers: Int32Array,
  c: Control,
  memory: WebAssembly.Memory,
  exports: Called,
  self: number,
): number {
  let did = 0;
  for (;;) {
    const task = Atomics.add(numbers, c.next, 1);
    if (task >= Atomics.load(numbers, c.count)) return did;
    const at = c.tasks + 16 * task;
    const scratch = numbers[c.scratch + self]!;
    const args = Array.from(numbers.subarray(at + 3, at + 3 + numbers[at + 2]!));
    try {
      if (numbers[at + 1] === 0) args.push(scratch);
      else new Int32Array(memory.buffer, numbers[at + 1]! >>> 0, 1)[0] = scratch;
      exports[c.functions[numbers[at]!]!]!(...args);
    } catch (cause) {
      const text = String(cause).slice(0, c.end - c.message);
      for (let i = 0; i < text.length; i++) numbers[c.message + i] = text.charCodeAt(i);
      Atomics.store(numbers, c.failed, text.length);
    }
    did++;
    if (Atomics.add(numbers, c.done, 1) + 1 === Atomics.load(numbers, c.count)) Atomics.notify(numbers, c.done);
  }
}

/** Starts the kernels over the shared memory, and takes part in every call until the pool is closed. */
function live({ module, memory, numbers, self, awake, control: c }: Start, work: typeof take): void {
  const instance = new WebAssembly.Instance(module, { env: { memory } });
  const exports = instance.exports as unknown as Called;
  let seen = 0;
  let tile = -1;
  Atomics.add(numbers, c.started, 1);
  for (;;) {
    for (let i = 0; i < awake && Atomics.load(numbers, c.call) === seen; i++);
    Atomics.wait(numbers, c.call, seen);
    if (Atomics.load(numbers, c.closed)) return;
    seen = Atomics.load(numbers, c.call);
    if (tile !== Atomics.load(numbers, c.tile)) {
      tile = Atomics.load(numbers, c.tile);
      exports.chooseTile!(tile);
    }
    Atomics.add(numbers, c.helped, work(numbers, c, memory, exports, self));
  }
}

const source = `(${live})(start, ${take})`;

/** One of Node's threads. */
interface NodeWorker {
  unref(): void;
  on(event: "error", listener: (cause: unknown) => void): void;
  terminate(): unknown;
}
type NodeThreads = { Worker: new (source: string, options: object) => NodeWorker };

/** Starts a worker; `failed` is told if it cannot start or stops. */
export type Starter = (start: Omit<Start, "control">, failed: (cause: unknown) => void) => { terminate(): unknown };

/**
 * How workers are started here: undefined where there are none, or no shared memory (browsers that are not
 * cross-origin isolated, workerd).
 */
export async function starter(): Promise<Starter | undefined> {
  const {
    Worker: Web,
    SharedArrayBuffer: Shared,
    crossOriginIsolated: isolated,
    process,
  } = globalThis as {
    Worker?: typeof Worker;
    SharedArrayBuffer?: unknown;
    crossOriginIsolated?: boolean;
    process?: { versions?: { node?: string } };
  };
  if (!Shared || isolated === false) return undefined;
  if (Web)
    return (start, failed) => {
      const text = `onmessage = ({ data: start }) => { ${source}; close(); }`;
      const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
      const worker = new Web(url, { type: "module" });
      worker.onerror = (event) => failed(event.message ?? event);
      worker.postMessage({ ...start, control });
      // In Bun a worker that sleeps does not keep the process, once told.
      (worker as { unref?(): void }).unref?.();
      return worker;
    };
  if (!process?.versions?.node) return undefined;
  const name = "node:worker_threads";
  const { Worker: Thread } = (await import(/* @vite-ignore */ name)) as NodeThreads;
  return (start, failed) => {
    const text = `const { workerData: start } = require("node:worker_threads"); ${source}`;
    const worker = new Thread(text, { eval: true, workerData: { ...start, control }, execArgv: [] });
    worker.on("error", failed);
    worker.unref();
    return worker;
  };
}
