/** Functions of single values, over whole arrays. */
import * as lanes from "./lanes";

/** The functions by number; `src/wasm/elementwise.ts` names them in the same order. */
export const enum Function {
  exp,
  log,
  tanh,
  sigmoid,
  softplus,
  silu,
  gelu,
  geluTanh,
  normal,
  relu,
  /** e^x and 2^x as softmax takes them, of scores less their largest. */
  weight,
  weight2,
}

/** One of them; `which` is known where it is inlined. */
@inline
function valueOf(which: i32, x: v128): v128 {
  if (which === Function.exp) return lanes.exponential(x);
  if (which === Function.log) return lanes.log(x);
  if (which === Function.tanh) return lanes.tanh(x);
  if (which === Function.sigmoid) return lanes.sigmoid(x);
  if (which === Function.softplus) return lanes.softplus(x);
  if (which === Function.silu) return lanes.silu(x);
  if (which === Function.gelu) return lanes.gelu(x);
  if (which === Function.geluTanh) return lanes.geluTanh(x);
  if (which === Function.normal) return lanes.normal(x);
  if (which === Function.weight) return lanes.exp(x);
  if (which === Function.weight2) return lanes.exp2(x);
  return f32x4.max(x, f32x4.splat(0));
}

@inline
function loop(which: i32, source: usize, factors: usize, target: usize, end: usize): void {
  // Two at a time: what one waits for, the other has done.
  for (const pairs = end - 16; target < pairs; target += 32) {
    let y = valueOf(which, v128.load(source));
    let z = valueOf(which, v128.load(source, 16));
    if (factors) {
      y = f32x4.mul(y, v128.load(factors));
      z = f32x4.mul(z, v128.load(factors, 16));
      factors += 32;
    }
    v128.store(target, y);
    v128.store(target, z, 16);
    source += 32;
  }
  for (; target < end; target += 16) {
    let y = valueOf(which, v128.load(source));
    if (factors) {
      y = f32x4.mul(y, v128.load(factors));
      factors += 16;
    }
    v128.store(target, y);
    source += 16;
  }
}

// A loop of its own for each: where one body is inlined several times, the optimiser makes one loop of all, which asks
// for the function at each step.
function exp(source: usize, factors: usize, target: usize, end: usize): void {
  loop(Function.exp, source, factors, target, end);
}
function log(source: usize, factors: usize, target: usize, end: usize): void {
  loop(Function.log, source, factors, target, end);
}
function tanh(source: usize, factors: usize, target: usize, end: usize): void {
  loop(Function.tanh, source, factors, target, end);
}
function sigmoid(source: usize, factors: usize, target: usize, end: usize): void {
  loop(Function.sigmoid, source, factors, target, end);
}
function softplus(source: usize, factors: usize, target: usize, end: usize): void {
  loop(Function.softplus, source, factors, target, end);
}
function silu(source: usize, factors: usize, target: usize, end: usize): void {
  loop(Function.silu, source, factors, target, end);
}
function gelu(source: usize, factors: usize, target: usize, end: usize): void {
  loop(Function.gelu, source, factors, target, end);
}
function geluTanh(source: usize, factors: usize, target: usize, end: usize): void {
  loop(Function.geluTanh, source, factors, target, end);
}
function normal(source: usize, factors: usize, target: usize, end: usize): void {
  loop(Function.normal, source, factors, target, end);
}
function relu(source: usize, factors: usize, target: usize, end: usize): void {
  loop(Function.relu, source, factors, target, end);
}
function weight(source: usize, factors: usize, target: usize, end: usize): void {
  loop(Function.weight, source, factors, target, end);
}
function weight2(source: usize, factors: usize, target: usize, end: usize): void {
  loop(Function.weight2, source, factors, target, end);
}

/**
 * A function of `count` floats, each times its own of `factors` (0 for none; so are gated products made). In whole
 * vectors: all reach to the next multiple of 16 bytes, and may be the same.
 */
export function apply(which: i32, source: usize, factors: usize, target: usize, count: i32): void {
  const end = target + ((<usize>count) << 2);
  switch (which) {
    case Function.exp:
      return exp(source, factors, target, end);
    case Function.log:
      return log(source, factors, target, end);
    case Function.tanh:
      return tanh(source, factors, target, end);
    case Function.sigmoid:
      return sigmoid(source, factors, target, end);
    case Function.softplus:
      return softplus(source, factors, target, end);
    case Function.silu:
      return silu(source, factors, target, end);
    case Function.gelu:
      return gelu(source, factors, target, end);
    case Function.geluTanh:
      return geluTanh(source, factors, target, end);
    case Function.normal:
      return normal(source, factors, target, end);
    case Function.weight:
      return weight(source, factors, target, end);
    case Function.weight2:
      return weight2(source, factors, target, end);
    default:
      return relu(source, factors, target, end);
  }
}
