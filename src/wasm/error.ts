/** Thrown at the border: says which call, which argument, what was expected, what came and how to mend it. */
export class KernelError extends Error {
  override readonly name = "KernelError";
  /** The call, such as `attention`. */
  readonly call: string;
  /** The argument at fault. */
  readonly argument: string;

  constructor(call: string, argument: string, problem: string) {
    super(`${call}: ${problem}`);
    this.call = call;
    this.argument = argument;
  }
}
