/** Which pages the kernels of the GPU implement: those whose calls it has. A test judges every entry. */
import { families as all } from "../pages.ts";

/** All but those that need Fourier transforms; by family, each with a test of its name. */
export const families = (({ spectra: _, ...others }) => others)(all);
export const implementations: Readonly<Record<string, unknown>> = Object.assign({}, ...Object.values(families));
