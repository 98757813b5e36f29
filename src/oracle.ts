/**
 * The reference oracle: cases drawn from a page's declaration, its laws, error budgets, verdicts on kernels, gradients and
 * portable vectors. No test runner is imported: use it from any, or from none.
 *
 * @module
 */
export { allowance, type Budget, budget } from "./oracle/budget.ts";
export { acceptable, type Case, type Drawing, draw, NothingToDrawError, shrink, take } from "./oracle/cases.ts";
export { type Checked, check, type Judged } from "./oracle/check.ts";
export { type Difference, difference, explain } from "./oracle/compare.ts";
export { type ConformsOptions, conforms, type Failure, type Shortfall, type Verdict } from "./oracle/conforms.ts";
export { type Gradient, gradient } from "./oracle/gradient.ts";
export type { BackwardKernel, Declined, Kernel, KernelInputs, KernelOutputs, KernelTensor } from "./oracle/kernel.ts";
export { type Law, laws, owed, sentence } from "./oracle/laws.ts";
export { type Dtype, dtypes } from "./oracle/precisions.ts";
export { type Random, random } from "./oracle/random.ts";
export { edit, join, type Nested, pick, reshape, span, tensorOf } from "./oracle/tensors.ts";
export { type Vector, vectors } from "./oracle/vectors.ts";
