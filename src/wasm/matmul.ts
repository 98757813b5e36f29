import type { Arena } from "./arena.ts";
import { calling } from "./call.ts";
import { type Checks, type Shaped, shown } from "./checks.ts";
import type { Exports } from "./exports.ts";
import type { Floats, WasmTensor } from "./tensor.ts";

export interface MatmulOptions {
  /** Whether b is given transposed, [N, K], as weights of checkpoints are. Default false: [K, N]. */
  readonly transposed?: boolean;
  /** [N], added to each row. Default none. */
  readonly bias?: Floats | undefined;
  /** A tensor of the kernels' memory for the result; may not overlap the inputs. Default: the result is a copy outside. */
  readonly into?: WasmTensor | undefined;
}

/**
 * a · b: [..., M, K] times [K, N], or [..., K, N] with the same leading axes, gives [..., M, N], in float32. Any sizes,
 * 0 among them (K = 0 gives the bias, or zeros).
 *
 * @throws KernelError naming the argument whose shape or values do not fit.
 */
export function matmul(exports: Exports, arena: Arena, a: Floats, b: Floats, options: MatmulOptions = {}): Floats {
  const { transposed = false, bias, into } = options;
  return calling("matmul", arena, (call) => {
    const { batch, rows, columns, depth, lead } = measure(call, a, b, transposed);
    if (bias) {
      call.check("bias", bias, Float32Array);
      if (bias.shape.length !== 1 || bias.shape[0] !== columns)
        call.fail("bias", `bias has shape ${shown(bias.shape)}, expected [N] = [${columns}]`);
    }
    const [from, by] = [call.addressOf("a", a), call.addressOf("b", b)];
    const added = bias ? call.addressOf("bias", bias) : 0;
    const target = call.target("into", [...lead, columns], into, { a, b, bias });
    const scratch = call.region.allocate(exports.matmulScratch(columns, depth) >>> 0);
    for (let i = 0; i < batch; i++)
      exports.matmul(
        from + 4 * i * rows * depth,
        4 * depth,
        by + 4 * i * columns * depth,
        4 * (transposed ? depth : columns),
        Number(transposed),
        added,
        target.address + 4 * i * rows * columns,
        4 * columns,
        rows,
        columns,
        depth,
        scratch,
      );
    return call.result(target, into);
  });
}

export interface Measures {
  readonly batch: number;
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  /** The axes of the result but the last. */
  readonly lead: readonly number[];
}

/** One b for all of a is one product with more rows. */
export function measure(call: Checks, a: Shaped, b: Shaped, transposed: boolean): Measures {
  call.check("a", a, Float32Array);
  call.check("b", b, Float32Array);
  const expected = `expected ${transposed ? "[N, K]" : "[K, N]"}, or the same with the leading axes of a`;
  if (a.shape.length < 2) call.fail("a", `a has shape ${shown(a.shape)}, expected [..., M, K]`);
  if (b.shape.length < 2) call.fail("b", `b has shape ${shown(b.shape)}; ${expected}`);
  const lead = a.shape.slice(0, -1);
  const depth = a.shape.at(-1)!;
  const [first, second] = b.shape.slice(-2) as [number, number];
  const [height, columns] = transposed ? [second, first] : [first, second];
  if (height !== depth)
    call.fail("b", `b has K = ${height}, but a has K = ${depth}; ${expected}, got ${shown(b.shape)}`);
  const product = (lengths: readonly number[]) => lengths.reduce((total, length) => total * length, 1);
  if (b.shape.length === 2) return { batch: 1, rows: product(lead), columns, depth, lead };
  if (b.shape.slice(0, -2).join() !== a.shape.slice(0, -2).join())
    call.fail("b", `b has shape ${shown(b.shape)}, but a has shape ${shown(a.shape)}; ${expected}`);
  return { batch: product(lead.slice(0, -1)), rows: lead.at(-1)!, columns, depth, lead };
}
