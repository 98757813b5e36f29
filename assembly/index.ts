/** What the module exports. Memory is the caller's: nothing here allocates, checks or throws. */
export { attend, attendScratch } from "./attention/attend";
export { linear, linearScratch } from "./linear/linear";
export { fourier } from "./fourier/axis";
export { longConvolve } from "./fourier/long";
export { delta, deltaScratch } from "./delta/chunks";
export { deltaSteps, deltaStepsScratch } from "./delta/steps";
export { appendRows } from "./decode/append";
export { decode, decodeScratch } from "./decode/decode";
export { merge } from "./decode/merge";
export { hasSpecial } from "./decode/narrow";
export { matmul, matmulScratch } from "./matmul";
export { peak, sweep } from "./peak";
export { convolve, convolveScratch } from "./ssm/convolve";
export { diagonal, diagonalScratch } from "./ssm/diagonal";
export { recur } from "./ssm/recur";
export { scan, scanScratch } from "./ssm/scan";
export { ssd, ssdScratch } from "./ssm/ssd";
export { apply } from "./elementwise";
export { quantiseActivations, activationBytes } from "./quantised/activations";
export { quantiseBytes } from "./quantised/bytes";
export { dotProduct, dotScratch } from "./quantised/dots";
export { directProduct } from "./quantised/direct";
export { integerProduct } from "./quantised/integer";
export { pack, packedBytes } from "./quantised/layout";
export { panelProduct, panelScratch } from "./quantised/panels";
export { gather, gatherHalves } from "./rows/gather";
export { normalise, sum } from "./rows/norm";
export { rotate } from "./rows/rotary";
export { logSumExp, softmax } from "./rows/softmax";
export { argmax, top } from "./rows/top";
export { chooseTile } from "./tile/multiply";

/** Whether this is the relaxed target. */
export const relaxed: bool = ASC_FEATURE_RELAXED_SIMD;

/** Which of its callers it goes with: `src/wasm/exports.ts` says the same. */
export const edition: i32 = 2;
