/** Calls by name. */
export const work: Readonly<Record<string, unknown>>;
