/** What the module exports. Memory is the caller's: nothing here allocates, checks or throws. */
export { attend, attendScratch } from "./attention/attend";
export { exp, tanh } from "./elementwise";
export { matmul, matmulScratch } from "./matmul";
export { peak } from "./peak";

/** Whether this is the relaxed target. */
export const relaxed: bool = ASC_FEATURE_RELAXED_SIMD;
