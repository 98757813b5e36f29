/** Invocations that keep a large device busy. */
const enough = 2 ** 16;
/** More chunks than that are slow to go through one after the other. */
const most = 1024;
/** Tokens of the shortest chunk. */
const least = 32;

/**
 * Tokens of a chunk, of which several are taken at a time where there are too few channels; each is then gone through
 * twice, so that fewer than four are not worth it.
 */
export function chunkLength(tokens: number, channels: number): number {
  const wanted = Math.min(most, Math.ceil(enough / Math.max(1, channels)));
  const length = Math.max(least, Math.ceil(tokens / wanted / least) * least);
  return tokens > 3 * length ? length : tokens;
}
