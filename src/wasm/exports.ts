/** The functions of the compiled module, addresses and strides in bytes; see `assembly/`. */
export interface Exports {
  readonly relaxed: WebAssembly.Global;
  attend(job: number): void;
  attendScratch(span: number, width: number, valueWidth: number, queries: number, relative: number): number;
  delta(job: number): void;
  deltaScratch(job: number): number;
  deltaSteps(job: number): void;
  deltaStepsScratch(job: number): number;
  decode(job: number): void;
  decodeScratch(rows: number, together: number, width: number, valueWidth: number): number;
  appendRows(
    type: number,
    source: number,
    sourceHead: number,
    sourceRow: number,
    heads: number,
    count: number,
    width: number,
    target: number,
    targetHead: number,
    targetRow: number,
    scales: number,
    scaleHead: number,
    scaleRow: number,
  ): number;
  hasSpecial(source: number, bytes: number): number;
  merge(
    parts: number,
    part: number,
    lses: number,
    lsePart: number,
    count: number,
    heads: number,
    queries: number,
    width: number,
    outHead: number,
    outRow: number,
    lseHead: number,
    out: number,
    lse: number,
  ): void;
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
  convolve(
    x: number,
    weights: number,
    bias: number,
    state: number,
    out: number,
    last: number,
    rows: number,
    channels: number,
    taps: number,
    activate: number,
    scratch: number,
  ): void;
  convolveScratch(channels: number, taps: number): number;
  diagonal(job: number): void;
  diagonalScratch(channels: number, states: number): number;
  fourier(job: number): void;
  longConvolve(job: number): void;
  recur(factors: number, x: number, state: number, out: number, last: number, rows: number, channels: number): void;
  scan(job: number): void;
  scanScratch(channels: number, states: number): number;
  ssd(job: number): void;
  ssdScratch(heads: number, width: number, states: number): number;
  apply(which: number, source: number, factors: number, target: number, count: number): void;
  softmax(source: number, target: number, rows: number, width: number): void;
  logSumExp(source: number, target: number, rows: number, width: number): void;
  normalise(
    which: number,
    source: number,
    weight: number,
    bias: number,
    target: number,
    rows: number,
    width: number,
    epsilon: number,
    offset: number,
  ): void;
  sum(a: number, b: number, target: number, count: number): void;
  rotate(
    source: number,
    target: number,
    cosines: number,
    sines: number,
    at: number,
    first: number,
    outer: number,
    places: number,
    inner: number,
    width: number,
    turned: number,
    interleaved: number,
  ): void;
  top(source: number, values: number, indices: number, rows: number, width: number, count: number): void;
  argmax(source: number, indices: number, rows: number, width: number): void;
  gather(table: number, indices: number, target: number, count: number, width: number): void;
  gatherHalves(table: number, indices: number, target: number, count: number, width: number, bfloat: number): void;
  packedBytes(format: number, rows: number, depth: number): number;
  pack(format: number, source: number, rows: number, depth: number, target: number): void;
  activationBytes(format: number, depth: number): number;
  quantiseActivations(
    format: number,
    source: number,
    rows: number,
    depth: number,
    numbers: number,
    scales: number,
    sums: number,
  ): void;
  quantiseBytes(
    format: number,
    source: number,
    rows: number,
    depth: number,
    factor: number,
    numbers: number,
    scales: number,
    sums: number,
  ): void;
  dotProduct(
    format: number,
    w: number,
    rowScales: number,
    numbers: number,
    scales: number,
    sums: number,
    bias: number,
    c: number,
    rows: number,
    columns: number,
    depth: number,
    flip: number,
    scratch: number,
  ): void;
  dotScratch(): number;
  integerProduct(
    format: number,
    w: number,
    rowScales: number,
    numbers: number,
    scales: number,
    sums: number,
    bias: number,
    c: number,
    rows: number,
    columns: number,
    depth: number,
    scratch: number,
  ): void;
  directProduct(
    format: number,
    w: number,
    rowScales: number,
    a: number,
    bias: number,
    c: number,
    rows: number,
    columns: number,
    depth: number,
  ): void;
  panelProduct(
    format: number,
    w: number,
    rowScales: number,
    a: number,
    bias: number,
    c: number,
    rows: number,
    columns: number,
    depth: number,
    scratch: number,
  ): void;
  panelScratch(): number;
  chooseTile(which: number): void;
  peak(rounds: number, target: number): void;
  sweep(source: number, bytes: number): number;
}

/** Goes up, here and in `assembly/index.ts`, whenever a function of the module changes what it takes. */
const edition = 2;

/** Whether the exports of an instance are those of this version's kernels. */
export const areKernels = (exports: object): exports is Exports =>
  "edition" in exports && (exports.edition as WebAssembly.Global).value === edition;
