/** Thrown when the device cannot go on: it is lost, out of memory, or was never there. */
export class DeviceError extends Error {
  override readonly name = "DeviceError";
  /** `missing`: no WebGPU or no adapter; `lost`: open a new device; `memory`: an allocation failed; `rejected`: the driver refused a command. */
  readonly reason: "missing" | "lost" | "memory" | "rejected";

  constructor(reason: DeviceError["reason"], problem: string) {
    super(problem);
    this.reason = reason;
  }
}
