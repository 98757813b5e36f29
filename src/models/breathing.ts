/** Long work in a thread that others want too. */

/** Lets others run now and then, so that a signal can come; throws its reason when it did. */
export function breathing(signal: AbortSignal | undefined): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last > 12) {
      await new Promise((resolve) => setTimeout(resolve, 0));
      last = performance.now();
    }
    signal?.throwIfAborted();
  };
}
