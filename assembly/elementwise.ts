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
  // Two at a time, which share the constants where the compiler makes them anew for each.
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

/**
 * A function of `count` floats, each times its own of `factors` (0 for none; so are gated products made). In whole
 * vectors: all reach to the next multiple of 16 bytes, and may be the same.
 */
export function apply(which: i32, source: usize, factors: usize, target: usize, count: i32): void {
  const end = target + ((<usize>count) << 2);
  switch (which) {
    case Function.exp:
      return loop(Function.exp, source, factors, target, end);
    case Function.log:
      return loop(Function.log, source, factors, target, end);
    case Function.tanh:
      return loop(Function.tanh, source, factors, target, end);
    case Function.sigmoid:
      return loop(Function.sigmoid, source, factors, target, end);
    case Function.softplus:
      return loop(Function.softplus, source, factors, target, end);
    case Function.silu:
      return loop(Function.silu, source, factors, target, end);
    case Function.gelu:
      return loop(Function.gelu, source, factors, target, end);
    case Function.geluTanh:
      return loop(Function.geluTanh, source, factors, target, end);
    case Function.normal:
      return loop(Function.normal, source, factors, target, end);
    case Function.weight:
      return loop(Function.weight, source, factors, target, end);
    case Function.weight2:
      return loop(Function.weight2, source, factors, target, end);
    default:
      return loop(Function.relu, source, factors, target, end);
  }
}
