/** The way products of bytes are made is found out by the kernels themselves: here a module of one instruction tells it too. */
import { expect, test } from "vitest";
import { targets } from "./targets.ts";

/** `f()` adds the products of the bytes at 0 and at 16 to the sums at 32, and stores them at 48; its memory is `m`. */
function oneInstruction(): (a: number, b: number) => number {
  const section = (id: number, ...bytes: number[]) => [id, bytes.length, ...bytes];
  const read = (offset: number) => [0x41, 0, 0xfd, 0, 4, offset];
  const dot = [0xfd, 0x93, 0x02];
  const store = [0xfd, 11, 4, 48];
  const body = [0, 0x41, 0, ...read(0), ...read(16), ...read(32), ...dot, ...store, 0x0b];
  const bytes = Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, 1, 0x60, 0, 0),
    ...section(3, 1, 0),
    ...section(5, 1, 0, 1),
    ...section(7, 2, 1, 0x6d, 2, 0, 1, 0x66, 0, 0),
    ...section(10, 1, body.length, ...body),
  ]);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes));
  const { buffer } = exports.m as WebAssembly.Memory;
  return (a, b) => {
    new Int8Array(buffer, 0, 16).fill(a);
    new Int8Array(buffer, 16, 16).fill(b);
    (exports.f as () => void)();
    return new Int32Array(buffer, 48, 1)[0]!;
  };
}

const [relaxed] = targets.filter(({ name, runs }) => runs && name === "relaxed");

test.runIf(relaxed)("the engine's dot product of bytes is used wherever it is exact", () => {
  const of = oneInstruction();
  const pairs = [-128, -127, -1, 0, 1, 127].flatMap((a) => [-128, -1, 127, 3].map((b) => [a, b] as const));
  const unsigned = pairs.every(([a, b]) => of(a, b) === 4 * a * (b & 255));
  const signed = pairs.every(([a, b]) => of(a, b) === 4 * a * b);
  expect(relaxed!.kernels.dots).toBe(unsigned ? "unsigned" : signed ? "signed" : "wide");
});
