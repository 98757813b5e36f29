/** Before the tests: compiles the kernels where the source tree looks for them, if a source has changed. */
import { join } from "node:path";
import { compileKernels } from "../../scripts/kernels.ts";
import { root } from "../../scripts/pages.ts";

export default () => compileKernels(join(root, "node_modules/.cache/attnspec"));
