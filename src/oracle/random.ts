/** A stream of random numbers that depends on its seed alone (SplitMix32). */
export interface Random {
  /** A real in [0, 1). */
  real(): number;
  /** An integer from `low` to `high`, both included. */
  integer(low: number, high: number): number;
  /** One of the items. */
  pick<T>(items: readonly T[]): T;
  /** A standard normal. */
  normal(): number;
}

/** Random numbers from a source of reals in [0, 1). */
export function randomFrom(real: () => number): Random {
  const integer = (low: number, high: number) => low + Math.min(high - low, Math.floor(real() * (high - low + 1)));
  return {
    real,
    integer,
    pick: (items) => items[integer(0, items.length - 1)]!,
    normal: () => Math.sqrt(-2 * Math.log(1 - real())) * Math.cos(2 * Math.PI * real()),
  };
}

/** The stream of a seed. */
export function random(seed: number): Random {
  let state = seed >>> 0;
  return randomFrom(() => {
    state = (state + 0x9e3779b9) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return ((z ^ (z >>> 15)) >>> 0) / 2 ** 32;
  });
}
