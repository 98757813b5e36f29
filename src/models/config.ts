/** A `config.json`, read with checks: what is missing or of another kind is named. */
import { ModelError } from "./error.ts";

export class Config {
  /** The file errors name. */
  readonly file: string;
  readonly values: Readonly<Record<string, unknown>>;

  constructor(values: unknown, file = "config.json") {
    if (typeof values !== "object" || values === null || Array.isArray(values))
      throw new ModelError(file, `expected a JSON object, got ${Array.isArray(values) ? "a list" : typeof values}`);
    this.values = values as Record<string, unknown>;
    this.file = file;
  }

  /** Whether there is a value other than null. */
  has(name: string): boolean {
    return Object.hasOwn(this.values, name) && this.values[name] !== null && this.values[name] !== undefined;
  }

  number(name: string, fallback?: number): number {
    return this.#read(name, fallback, "a number", (value) => typeof value === "number" && Number.isFinite(value));
  }

  /** A whole number of at least 1. */
  count(name: string, fallback?: number): number {
    return this.#read(
      name,
      fallback,
      "a whole number ≥ 1",
      (value) => Number.isSafeInteger(value) && (value as number) >= 1,
    );
  }

  flag(name: string, fallback?: boolean): boolean {
    return this.#read(name, fallback, "true or false", (value) => typeof value === "boolean");
  }

  text(name: string, fallback?: string): string {
    return this.#read(name, fallback, "a text", (value) => typeof value === "string");
  }

  numbers(name: string, fallback?: readonly number[]): readonly number[] {
    return this.#read(
      name,
      fallback,
      "a list of numbers",
      (value) => Array.isArray(value) && value.every((v) => typeof v === "number"),
    );
  }

  texts(name: string, fallback?: readonly string[]): readonly string[] {
    return this.#read(
      name,
      fallback,
      "a list of texts",
      (value) => Array.isArray(value) && value.every((v) => typeof v === "string"),
    );
  }

  /** An object inside; an empty one if there is none. */
  part(name: string): Config {
    return new Config(this.has(name) ? this.values[name] : {}, `${this.file}: ${name}`);
  }

  /** The token that ends a text, or several. */
  tokens(name: string): readonly number[] {
    if (!this.has(name)) return [];
    const value = this.values[name];
    const list = Array.isArray(value) ? value : [value];
    if (list.every((token) => Number.isSafeInteger(token) && token >= 0)) return list;
    throw this.#wrong(name, "a token or a list of tokens");
  }

  fail(name: string, problem: string): never {
    throw new ModelError(this.file, `${name} ${problem}`);
  }

  #read<T>(name: string, fallback: T | undefined, kind: string, fits: (value: unknown) => boolean): T {
    if (!this.has(name)) {
      if (fallback !== undefined) return fallback;
      throw new ModelError(
        this.file,
        `${name} is missing, expected ${kind}; take the file that belongs to the weights`,
      );
    }
    if (!fits(this.values[name])) throw this.#wrong(name, kind);
    return this.values[name] as T;
  }

  #wrong(name: string, kind: string): ModelError {
    return new ModelError(this.file, `${name} must be ${kind}, got ${JSON.stringify(this.values[name])}`);
  }
}
