import { scaledDotProductAttention as attention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { t5RelativeBias as t5 } from "../../../spec/positional/t5-relative-bias.ts";
import { at, cases, edit, example, fail, law, same, specify, tensor } from "../../kit.ts";

specify(t5);

const zeros = (n: number, m = 1) => Array.from({ length: n }, () => Array.from({ length: m }, () => 0));
const firstDistances = [0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 23, 32, 46, 64, 91];
const bucketOf = (distance: number) => firstDistances.filter((first) => first <= distance).length - 1;
example(
  "the published sizes: buckets 8 … 15 start at distances 8, 12, 16, 23, 32, 46, 64 and 91, those of later keys 16 on",
  t5,
  { q: [zeros(1)], k: [zeros(261)], v: [zeros(261)], table: zeros(32), positions: [130] },
  {
    bucket: [Array.from({ length: 261 }, (_, s) => bucketOf(Math.abs(s - 130)) + (s > 130 ? 16 : 0))],
  },
);
example(
  "products are not divided by √D, and each distance has its number: scores ln 3 − ln 3 and ln 6 give weights ⅐ and 6⁄7",
  t5,
  {
    q: [[[1, 0, 0, 0]]],
    k: [
      [
        [Math.log(3), 0, 0, 0],
        [0, 0, 0, 0],
      ],
    ],
    v: [[[7], [14]]],
    table: [[Math.log(6)], [-Math.log(3)], ...zeros(30)],
  },
  { out: [[[13]]] },
);
example(
  "not causal unless asked: the query at place 0 of two sees both",
  t5,
  { q: [[[0]]], k: [[[0], [0]]], v: [[[2], [4]]], table: zeros(32), positions: [0] },
  { out: [[[3]]], bucket: [[0, 17]] },
);
example(
  "one direction: the future counts as distance 0",
  t5,
  { q: [[[0], [0]]], k: [[[0], [0]]], v: [[[2], [4]]], table: zeros(4) },
  {
    out: [[[2], [3]]],
    bucket: [
      [0, 0],
      [1, 0],
    ],
  },
  { bidirectional: false, numBuckets: 4, maxDistance: 8, causal: true },
);
const fewest = (buckets: number, bidirectional: boolean, bucket: number[]) =>
  example(
    `${buckets} buckets for ${bidirectional ? "two directions" : "one direction"}: one of distance 0, one of all others`,
    t5,
    { q: [[[0]]], k: [zeros(4)], v: [zeros(4)], table: zeros(buckets), positions: [2] },
    { bucket: [bucket] },
    { bidirectional, numBuckets: buckets, maxDistance: 2 },
  );
fewest(4, true, [1, 1, 0, 3]);
fewest(5, true, [1, 1, 0, 3]);
fewest(2, false, [1, 1, 0, 0]);
example(
  "two queries and one key, causal: the first query sees nothing",
  t5,
  { q: [[[0], [0]]], k: [[[0]]], v: [[[5]]], table: zeros(32) },
  { out: [[[0], [5]]] },
  { causal: true },
);

law("is attention with the bias that the buckets pick from the table", cases(t5), ({ x, n, o }) => {
  const { out, bucket } = t5(x, o);
  const place = (t: number) => (x.positions ? x.positions.data[t]! : t + n.Tk - n.Tq);
  const bias = tensor([n.H, n.Tq, n.Tk], (h, t, s) => at(x.table, at(bucket, t, s), h));
  const mask = tensor([n.H, n.Tq, n.Tk], (_, t, s) => (o.causal && s > place(t) ? 0 : 1));
  same(out, attention({ q: x.q, k: x.k, v: x.v, bias, mask }, { scale: o.scale }).out);
});
law("a table that is the same for all buckets changes nothing", cases(t5), ({ x, o }) => {
  const { q, k, v, positions } = x;
  const level = (value: number) => t5({ q, k, v, positions, table: edit(x.table, () => value) }, o).out;
  same(level(2.5), level(0));
});
law(
  "buckets never fall with the distance, are distances up to half of them, and stay at the last from maxDistance on",
  cases(t5, { given: { positions: false }, sizes: { Tq: 12, Tk: 12, H: 1, D: 1, E: 1 } }),
  ({ x, o }) => {
    const { bucket } = t5(x, o);
    const n = o.bidirectional ? Math.floor(o.numBuckets / 2) : o.numBuckets;
    const past = Array.from({ length: 12 }, (_, a) => at(bucket, 11, 11 - a));
    past.forEach((b, a) => {
      if (a > 0 && b < past[a - 1]!) fail(`bucket ${b} at distance ${a} follows ${past[a - 1]}`);
      if (a <= Math.floor(n / 2) && a < n && b !== a) fail(`distance ${a} is in bucket ${b}`);
      if (a >= o.maxDistance && b !== n - 1) fail(`distance ${a} is in bucket ${b}, not the last`);
      if (o.bidirectional && a > 0 && at(bucket, 0, a) !== b + n) fail(`the key ${a} later is not ${n} buckets on`);
    });
  },
);
law(
  "refuses a largest distance that already has a bucket of its own",
  cases(t5, { options: { bidirectional: true, numBuckets: 8, maxDistance: 5 } }),
  ({ x, o }) => {
    try {
      t5(x, { ...o, maxDistance: 2 });
    } catch {
      return;
    }
    fail("maxDistance 2 was taken");
  },
);
