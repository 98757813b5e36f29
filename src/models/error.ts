/** A model that cannot be loaded or used: says which part, what was expected, what came and how to mend it. */
export class ModelError extends Error {
  override readonly name = "ModelError";
  /** What is at fault: a file, a tensor, an option. */
  readonly subject: string;

  constructor(subject: string, problem: string, options?: ErrorOptions) {
    super(`${subject}: ${problem}`, options);
    this.subject = subject;
  }
}
