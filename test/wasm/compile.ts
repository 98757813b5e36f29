/** Before the tests: compiles the kernels where the source tree looks for them, if a source has changed. */
import { cache, compileKernels } from "../../scripts/kernels.ts";

export default () => compileKernels(cache);
