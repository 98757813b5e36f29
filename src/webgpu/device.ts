/** A GPU's queue: programs compiled once, commands gathered until something is read, memory that is used again. */
import { DeviceError } from "./error.ts";
import { type MatrixSizes, matricesOf } from "./matrices.ts";

/** A buffer, or a part of one, as a program sees it. */
export interface Binding {
  readonly buffer: GPUBuffer;
  /** In bytes; a multiple of the device's alignment. Default 0. */
  readonly offset?: number | undefined;
  /** In bytes. Default: the rest. */
  readonly size?: number | undefined;
  /** Whether the program writes to it. Default false. */
  readonly written?: boolean | undefined;
}

export interface Dispatch {
  /** Names the program: the same key, the same code. */
  readonly key: string;
  /** Writes the program: parameters at binding 0, the bindings from 1 on, entry point `main`. */
  readonly code: () => string;
  readonly params: ArrayBuffer;
  readonly bindings: readonly Binding[];
  readonly workgroups: readonly [number, number, number];
}

const slotBytes = 256;
const slots = 128;
/** Freed buffers are kept for the next of their size, up to so many bytes in all: more where large ones are made. */
const keptBytes = ({ maxBufferSize }: GPUSupportedLimits): number =>
  Math.min(2 ** 31, Math.max(2 ** 28, maxBufferSize / 8));

interface Program {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

export class Device {
  readonly gpu: GPUDevice;
  /** What it came from: in Node the device lives only as long as somebody holds that. */
  readonly origin: unknown;
  /** How many invocations at least exchange values without shared memory; 0 where they cannot. */
  readonly subgroup: number;
  /** What stands for inputs that a program has a place for and a call does not give. */
  readonly nothing: GPUBuffer;
  /** The type of WGSL for float16 numbers, where the GPU computes with them. */
  readonly half: "f16" | "f32" | undefined;
  /** Sizes of matrices of float16 that a subgroup multiplies at once, with sums in float32, where it can. */
  readonly matrices: MatrixSizes | undefined;
  readonly #programs = new Map<string, Program>();
  readonly #free = new Map<number, GPUBuffer[]>();
  readonly #params: GPUBuffer;
  readonly #staged = new Uint8Array(slotBytes * slots);
  /** Freed since commands were handed over last, which may still use them. */
  readonly #gathered = new Set<GPUBuffer>();
  readonly #most: number;
  #kept = 0;
  #used = 0;
  #encoder: GPUCommandEncoder | undefined;
  #pass: GPUComputePassEncoder | undefined;
  #lost: GPUDeviceLostInfo | undefined;
  #problem: DeviceError | undefined;
  #timing: { readonly set: GPUQuerySet; begun: boolean } | undefined;

  constructor(gpu: GPUDevice, info: GPUAdapterInfo, origin: unknown) {
    this.gpu = gpu;
    this.#most = keptBytes(gpu.limits);
    this.origin = origin;
    this.subgroup = gpu.features.has("subgroups") ? (info.subgroupMinSize ?? 0) : 0;
    this.half = gpu.features.has("shader-f16") ? "f16" : undefined;
    this.matrices = this.half && matricesOf(gpu, info);
    this.nothing = gpu.createBuffer({ size: 16, usage: GPUBufferUsage.STORAGE });
    this.#params = gpu.createBuffer({
      size: slotBytes * slots,
      usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
    });
    void gpu.lost.then((info) => {
      this.#lost = info;
    });
    gpu.addEventListener("uncapturederror", (event) => {
      event.preventDefault();
      const { error } = event as GPUUncapturedErrorEvent;
      const memory = error instanceof GPUOutOfMemoryError;
      this.#problem ??= memory
        ? new DeviceError("memory", `the GPU is out of memory: ${error.message}; free() tensors, or split the call`)
        : new DeviceError("rejected", `the GPU refused a command: ${error.message}`);
    });
  }

  /** @throws DeviceError if the device is lost, or one of the commands before has failed. */
  check(): void {
    if (this.#lost)
      throw new DeviceError(
        "lost",
        `the GPU device is lost (${this.#lost.reason}: ${this.#lost.message}), and its tensors with it; open a new one`,
      );
    const problem = this.#problem;
    this.#problem = undefined;
    if (problem) throw problem;
  }

  /**
   * Memory for so many bytes; what it holds is undefined. For an upload, none that commands use which were only gathered:
   * they would have to be handed over first.
   */
  allocate(bytes: number, forUpload = false): GPUBuffer {
    this.check();
    const size = Math.max(16, Math.ceil(bytes / 16) * 16);
    const { maxBufferSize } = this.gpu.limits;
    if (size > maxBufferSize)
      throw new DeviceError(
        "memory",
        `a tensor of ${size} bytes does not fit: this device's buffers hold ${maxBufferSize}; split it`,
      );
    const kept = this.#take(size, forUpload);
    if (kept) return kept;
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    return this.gpu.createBuffer({ size, usage });
  }

  recycle(buffer: GPUBuffer): void {
    if (this.#lost) return;
    this.#gathered.add(buffer);
    // Those of sizes that were not asked for of late make room.
    for (const size of [...this.#free.keys()])
      while (this.#kept + buffer.size > this.#most) {
        const old = this.#take(size);
        if (!old) break;
        this.#destroy(old);
      }
    if (buffer.size > this.#most) {
      this.#destroy(buffer);
      return;
    }
    this.#kept += buffer.size;
    const same = this.#free.get(buffer.size) ?? [];
    same.push(buffer);
    // The size asked for last stands last.
    this.#free.delete(buffer.size);
    this.#free.set(buffer.size, same);
  }

  #take(size: number, forUpload = false): GPUBuffer | undefined {
    const same = this.#free.get(size);
    const at = same?.findLastIndex((buffer) => !(forUpload && this.#gathered.has(buffer))) ?? -1;
    const buffer = at < 0 ? undefined : same?.splice(at, 1)[0];
    if (same && !same.length) this.#free.delete(size);
    if (buffer) this.#kept -= size;
    return buffer;
  }

  #destroy(buffer: GPUBuffer): void {
    if (this.#gathered.has(buffer)) this.flush();
    buffer.destroy();
  }

  /** Gives back all memory that is kept for later. */
  trim(): void {
    this.flush();
    for (const buffers of this.#free.values()) for (const buffer of buffers) buffer.destroy();
    this.#free.clear();
    this.#kept = 0;
  }

  write(buffer: GPUBuffer, data: ArrayBufferView): void {
    this.check();
    // It may have been another tensor's, which commands that were gathered still read.
    if (this.#gathered.has(buffer)) this.flush();
    const whole = data.byteLength - (data.byteLength % 4);
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    if (whole) this.gpu.queue.writeBuffer(buffer, 0, bytes as Uint8Array<ArrayBuffer>, 0, whole);
    if (whole === data.byteLength) return;
    const rest = new Uint8Array(4);
    rest.set(bytes.subarray(whole));
    this.gpu.queue.writeBuffer(buffer, whole, rest);
  }

  async read(buffer: GPUBuffer, bytes: number): Promise<ArrayBuffer> {
    this.check();
    const size = Math.max(4, Math.ceil(bytes / 4) * 4);
    const staging = this.gpu.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
    this.copy({ buffer }, { buffer: staging }, size);
    this.flush();
    try {
      await staging.mapAsync(GPUMapMode.READ);
      const values = staging.getMappedRange().slice(0, bytes);
      this.check();
      return values;
    } catch (cause) {
      // That the device is lost is said a turn later than that the mapping failed.
      await Promise.race([this.gpu.lost, new Promise((resolve) => setTimeout(resolve, 50))]);
      this.check();
      throw cause;
    } finally {
      staging.destroy();
    }
  }

  /** Copies bytes from one buffer to another, in turn with the dispatches. */
  copy(from: Binding, to: Binding, bytes: number): void {
    this.#endPass();
    this.#encoder ??= this.gpu.createCommandEncoder();
    this.#encoder.copyBufferToBuffer(from.buffer, from.offset ?? 0, to.buffer, to.offset ?? 0, bytes);
  }

  /** Adds a dispatch to what is to be done. */
  run({ key, code, params, bindings, workgroups }: Dispatch): void {
    this.check();
    if (workgroups.some((count) => count === 0)) return;
    if (this.#used === slots) this.flush();
    const { pipeline, layout } = this.#program(key, code, bindings);
    const offset = slotBytes * this.#used++;
    this.#staged.set(new Uint8Array(params), offset);
    const entries = [
      { binding: 0, resource: { buffer: this.#params, size: slotBytes } },
      ...bindings.map(({ buffer, offset: from, size }, i) => ({
        binding: i + 1,
        resource: { buffer, ...(from === undefined ? {} : { offset: from }), ...(size === undefined ? {} : { size }) },
      })),
    ];
    const pass = this.#begin();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, this.gpu.createBindGroup({ layout, entries }), [offset]);
    pass.dispatchWorkgroups(...workgroups);
  }

  /** Hands what was gathered to the GPU. */
  flush(): void {
    this.#endPass();
    this.#gathered.clear();
    if (!this.#encoder) return;
    if (this.#used) this.gpu.queue.writeBuffer(this.#params, 0, this.#staged, 0, slotBytes * this.#used);
    this.#used = 0;
    this.gpu.queue.submit([this.#encoder.finish()]);
    this.#encoder = undefined;
  }

  /** How long the GPU takes for what the body asks of it, in milliseconds; needs `timestamp-query`. */
  async time(body: () => void): Promise<number> {
    this.flush();
    const set = this.gpu.createQuerySet({ type: "timestamp", count: 2 });
    const result = this.gpu.createBuffer({ size: 16, usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC });
    try {
      this.#timing = { set, begun: false };
      body();
      this.#endPass();
      this.#timing = undefined;
      this.#encoder ??= this.gpu.createCommandEncoder();
      this.#encoder.resolveQuerySet(set, 0, 2, result, 0);
      const [start, end] = new BigUint64Array(await this.read(result, 16));
      return Number(end! - start!) / 1e6;
    } finally {
      this.#timing = undefined;
      set.destroy();
      result.destroy();
    }
  }

  /** Ends the device; its tensors are gone. */
  close(): void {
    this.gpu.destroy();
  }

  #begin(): GPUComputePassEncoder {
    if (this.#pass) return this.#pass;
    this.#encoder ??= this.gpu.createCommandEncoder();
    const timing = this.#timing;
    if (!timing) {
      this.#pass = this.#encoder.beginComputePass();
      return this.#pass;
    }
    const begins = timing.begun ? {} : { beginningOfPassWriteIndex: 0 };
    timing.begun = true;
    this.#pass = this.#encoder.beginComputePass({
      timestampWrites: { querySet: timing.set, ...begins, endOfPassWriteIndex: 1 },
    });
    return this.#pass;
  }

  #endPass(): void {
    this.#pass?.end();
    this.#pass = undefined;
  }

  #program(key: string, code: () => string, bindings: readonly Binding[]): Program {
    const found = this.#programs.get(key);
    if (found) return found;
    const layout = this.gpu.createBindGroupLayout({
      entries: [
        { binding: 0, visibility: GPUShaderStage.COMPUTE, buffer: { type: "uniform", hasDynamicOffset: true } },
        ...bindings.map(({ written }, i) => ({
          binding: i + 1,
          visibility: GPUShaderStage.COMPUTE,
          buffer: { type: written ? ("storage" as const) : ("read-only-storage" as const) },
        })),
      ],
    });
    const program = {
      layout,
      pipeline: this.gpu.createComputePipeline({
        label: key,
        layout: this.gpu.createPipelineLayout({ bindGroupLayouts: [layout] }),
        compute: { module: this.gpu.createShaderModule({ label: key, code: code() }) },
      }),
    };
    this.#programs.set(key, program);
    return program;
  }
}
