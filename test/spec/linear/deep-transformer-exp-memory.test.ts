import { scaledDotProductAttention as attention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { deepTransformerExpMemory as memory } from "../../../spec/linear/deep-transformer-exp-memory.ts";
import { at, cases, example, law, same, span, specify, tensor } from "../../kit.ts";

specify(memory);

const ln = Math.log;
const two = { q: [[0], [1]], k: [[ln(3)], [ln(2)]], v: [[4], [8]] };
example("Hebb: exponentials 3 and 2 of the second query", memory, two, { out: [[4], [28]], written: [[4], [8]] });
example("normalised: 28 of 5", memory, two, { out: [[4], [5.6]] }, { normalise: true });
example(
  "Hebb: β is a factor on what is written, not on the norm",
  memory,
  { ...two, beta: [0.5, 2] },
  { out: [[2], [7.6]], written: [[2], [16]] },
  { normalise: true },
);
example(
  "the delta rule: the second key reads 2 · 4 of the first and writes half of 16 less that",
  memory,
  { q: [[1], [0]], k: [[ln(2)], [1]], v: [[4], [16]], beta: [1, 0.5] },
  { out: [[8], [8]], written: [[4], [4]] },
  { update: "delta" },
);
example("D = 4 halves the exponent", memory, { q: [[2, 0, 0, 0]], k: [[ln(3), 5, 0, 0]], v: [[4]] }, { out: [[12]] });
example(
  "a query before all keys gets zeros, the next sees the first key alone",
  memory,
  { q: [[1], [1], [1]], k: [[0], [0]], v: [[4], [8]] },
  { out: [[0], [4], [12]] },
);
example(
  "and so if normalised",
  memory,
  { q: [[1], [1]], k: [[0]], v: [[4]] },
  { out: [[0], [4]] },
  { normalise: true },
);

law(
  "Hebb's rule, normalised, is causal softmax attention",
  cases(memory, { options: { update: "hebbian", normalise: true }, given: { beta: false } }),
  ({ x: { q, k, v }, o }) =>
    same(memory({ q, k, v }, o).out, attention({ q, k, v }, { causal: true, scale: o.scale }).out),
);
const kernel = (a: Parameters<typeof at>[0], i: number, b: typeof a, j: number, scale: number) =>
  Math.exp(
    scale * Array.from({ length: a.shape[1]! }, (_, d) => at(a, i, d) * at(b, j, d)).reduce((sum, v) => sum + v, 0),
  );
law(
  "the delta rule solves the triangular system (I + tril(B G, −1)) C = B V",
  cases(memory, { options: { update: "delta" } }),
  ({ x, n, o }) => {
    const { written } = memory(x, o);
    const beta = (t: number) => (x.beta ? at(x.beta, t) : 1);
    same(
      tensor([n.Tk, n.E], (t, e) =>
        Array.from({ length: t }, (_, s) => beta(t) * kernel(x.k, t, x.k, s, o.scale) * at(written, s, e)).reduce(
          (sum, v) => sum + v,
          at(written, t, e),
        ),
      ),
      tensor([n.Tk, n.E], (t, e) => beta(t) * at(x.v, t, e)),
      1e-11,
    );
  },
);
law(
  "with β = 1 / exp(σ k · k) the memory read at its last key gives the last value",
  cases(memory, { options: { update: "delta", normalise: false } }),
  ({ x, n, o }) => {
    const beta = tensor([n.Tk], (t) => 1 / kernel(x.k, t, x.k, t, o.scale));
    same(memory({ ...x, q: span(x.k, 0, n.Tk - 1, n.Tk), beta }, o).out, span(x.v, 0, n.Tk - 1, n.Tk), 1e-11);
  },
);
law("decoding the last query alone gives the last row of the whole", cases(memory), ({ x, n, o }) =>
  same(memory({ ...x, q: span(x.q, 0, n.Tq - 1, n.Tq) }, o).out, span(memory(x, o).out, 0, n.Tq - 1, n.Tq)),
);
