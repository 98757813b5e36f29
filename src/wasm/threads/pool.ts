/** Workers over one memory, and the caller among them. */
import { KernelError } from "../error.ts";
import { control, type functions, mostTasks } from "./control.ts";
import { type Starter, take } from "./worker.ts";

/** A call of one of the kernels' functions. */
export interface Task {
  readonly name: (typeof functions)[number];
  /** Arguments, without the scratch if that is the last one. */
  readonly args: readonly number[];
  /** Where the function looks for the address of its scratch; default: in its last argument. */
  readonly scratch?: number;
}

/** How often a thread looks again before it sleeps: some tens of microseconds. */
const awake = 20_000;

type Exports = Readonly<Record<string, (...args: number[]) => void>>;

export class Pool {
  /** Threads, the caller's among them. */
  readonly threads: number;
  readonly #start: Starter;
  readonly #module: WebAssembly.Module;
  readonly #memory: WebAssembly.Memory;
  readonly #exports: Exports;
  readonly #numbers = new Int32Array(new SharedArrayBuffer(4 * control.end));
  readonly #workers: { terminate(): unknown }[] = [];
  #broken: unknown;
  #closed = false;

  constructor(
    threads: number,
    start: Starter,
    module: WebAssembly.Module,
    memory: WebAssembly.Memory,
    exports: object,
  ) {
    this.threads = threads;
    this.#start = start;
    this.#module = module;
    this.#memory = memory;
    this.#exports = exports as Exports;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** How many workers have started, and how many tasks they have done so far. */
  get workers(): { readonly started: number; readonly tasks: number } {
    return {
      started: Atomics.load(this.#numbers, control.started),
      tasks: Atomics.load(this.#numbers, control.helped),
    };
  }

  /** Tells all threads how tiles are made. */
  set tile(which: number) {
    Atomics.store(this.#numbers, control.tile, which);
  }

  /**
   * Does all tasks and returns when they are done. Workers are started by the first call and take part once they have;
   * who does which task is a matter of chance, what comes of it is not.
   *
   * @throws KernelError if a task fails, or a worker could not be started.
   */
  run(tasks: readonly Task[], scratch: readonly number[]): void {
    if (tasks.length > mostTasks) throw new Error(`at most ${mostTasks} tasks, got ${tasks.length}`);
    this.#begin();
    const numbers = this.#numbers;
    // Nobody takes a task while they are written.
    Atomics.store(numbers, control.next, 2 ** 30);
    Atomics.store(numbers, control.failed, 0);
    numbers.set(scratch, control.scratch);
    tasks.forEach(({ name, args, scratch: at = 0 }, i) => {
      numbers.set([control.functions.indexOf(name), at, args.length, ...args], control.tasks + 16 * i);
    });
    Atomics.store(numbers, control.done, 0);
    Atomics.store(numbers, control.count, tasks.length);
    Atomics.store(numbers, control.next, 0);
    Atomics.add(numbers, control.call, 1);
    Atomics.notify(numbers, control.call);
    take(numbers, control, this.#memory, this.#exports, 0);
    for (let i = 0; ; i++) {
      const done = Atomics.load(numbers, control.done);
      if (done === tasks.length) break;
      if (i > awake && mayWait) Atomics.wait(numbers, control.done, done);
    }
    const letters = Atomics.load(numbers, control.failed);
    if (letters > 0) {
      const text = String.fromCharCode(...numbers.subarray(control.message, control.message + letters));
      throw new KernelError("pool", "worker", `a task failed: ${text}`);
    }
  }

  /** Ends the workers. */
  close(): void {
    this.#closed = true;
    Atomics.store(this.#numbers, control.closed, 1);
    Atomics.add(this.#numbers, control.call, 1);
    Atomics.notify(this.#numbers, control.call);
    for (const worker of this.#workers) worker.terminate();
    this.#workers.length = 0;
  }

  #begin(): void {
    if (this.#broken !== undefined)
      throw new KernelError(
        "pool",
        "worker",
        `a worker stopped: ${String(this.#broken)}; close() these kernels, which leaves one thread, or load others`,
      );
    if (this.#workers.length > 0) return;
    for (let self = 1; self < this.threads; self++)
      this.#workers.push(
        this.#start({ module: this.#module, memory: this.#memory, numbers: this.#numbers, self, awake }, (cause) => {
          if (!this.#closed) this.#broken ??= cause;
        }),
      );
  }
}

/** Whether this thread may sleep: the main thread of a browser may not, and looks again until all is done. */
const mayWait = (() => {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1, 0);
    return true;
  } catch {
    return false;
  }
})();
