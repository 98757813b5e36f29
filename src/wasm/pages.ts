/**
 * Which pages the kernels implement: one entry for each, from the page's inputs and options to calls. What a kernel does
 * not support it declines, saying why. A test judges every entry.
 */
import { softmax } from "./pages/softmax.ts";

export type { Implementation } from "./pages/adapt.ts";

/** The kernel that answers each page, by the page's id. */
export const implementations = { ...softmax } as const;
