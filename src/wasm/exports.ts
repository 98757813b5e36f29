/** The functions of the compiled module, addresses and strides in bytes; see `assembly/`. */
export interface Exports {
  readonly relaxed: WebAssembly.Global;
  attend(job: number): void;
  attendScratch(span: number, width: number, valueWidth: number, queries: number, relative: number): number;
  matmul(
    a: number,
    aRow: number,
    b: number,
    bRow: number,
    transposed: number,
    bias: number,
    c: number,
    cRow: number,
    rows: number,
    columns: number,
    depth: number,
    scratch: number,
  ): void;
  matmulScratch(columns: number, depth: number): number;
  linear(job: number): void;
  linearScratch(width: number, valueWidth: number, chunk: number, readers: number): number;
  apply(which: number, source: number, factors: number, target: number, count: number): void;
  exp2(source: number, target: number, count: number): void;
  chooseTile(which: number): void;
  peak(rounds: number, target: number): void;
  sweep(source: number, bytes: number): number;
}

/** Goes up, here and in `assembly/index.ts`, whenever a function of the module changes what it takes. */
const edition = 1;

/** Whether the exports of an instance are those of this version's kernels. */
export const areKernels = (exports: object): exports is Exports =>
  "edition" in exports && (exports.edition as WebAssembly.Global).value === edition;
