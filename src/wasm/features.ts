/** What the engine's WebAssembly can do, asked by validating the smallest module that needs it. */

/** A module of one function of type `type` and instructions `code`. */
const moduleOf = (type: readonly number[], code: readonly number[]): Uint8Array<ArrayBuffer> =>
  Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...[0x01, type.length + 1, 0x01, ...type],
    ...[0x03, 0x02, 0x01, 0x00],
    ...[0x0a, code.length + 4, 0x01, code.length + 2, 0x00, ...code, 0x0b],
  ]);

const [v128, func] = [0x7b, 0x60];

/** Whether there are 128-bit vectors. */
export const hasSimd = (): boolean =>
  // (a, b) => f32x4.add(a, b)
  WebAssembly.validate(moduleOf([func, 2, v128, v128, 1, v128], [0x20, 0, 0x20, 1, 0xfd, 0xe4, 0x01]));

/** Whether there are relaxed vector instructions, a fused multiply-add among them. */
export const hasRelaxedSimd = (): boolean =>
  // (a, b, c) => f32x4.relaxed_madd(a, b, c)
  WebAssembly.validate(moduleOf([func, 3, v128, v128, v128, 1, v128], [0x20, 0, 0x20, 1, 0x20, 2, 0xfd, 0x85, 0x02]));
