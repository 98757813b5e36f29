/** The functions that attention is made of, value by value: their bounds are tested on these. */
import * as lanes from "./lanes";

/** e^x for `count` floats ≤ 88, in whole vectors: source and target reach to the next multiple of 16 bytes. */
export function exp(source: usize, target: usize, count: i32): void {
  const end = target + ((<usize>count) << 2);
  for (; target < end; target += 16) {
    v128.store(target, lanes.exp(v128.load(source)));
    source += 16;
  }
}

/** tanh x, in the same way. */
export function tanh(source: usize, target: usize, count: i32): void {
  const end = target + ((<usize>count) << 2);
  for (; target < end; target += 16) {
    v128.store(target, lanes.tanh(v128.load(source)));
    source += 16;
  }
}

/** 2^x for `count` floats ≤ 127, in the same way. */
export function exp2(source: usize, target: usize, count: i32): void {
  const end = target + ((<usize>count) << 2);
  for (; target < end; target += 16) {
    v128.store(target, lanes.exp2(v128.load(source)));
    source += 16;
  }
}
