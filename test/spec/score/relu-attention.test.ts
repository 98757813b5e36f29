import { reluAttention } from "../../../spec/score/relu-attention.ts";
import { at, cases, edit, example, join, law, same, span, specify, tensor } from "../../kit.ts";

specify(reluAttention);

const scores = {
  q: [[4, 0, 0, 0]],
  k: [
    [1, 0, 0, 0],
    [-3, 0, 0, 0],
    [5, 0, 0, 0],
    [0, 0, 0, 0],
  ],
};
const v = [[1], [10], [100], [1000]];
example(
  "D = 4, scores 2, −6, 10 and 0, four keys: weights ½, 0, 2½ and 0",
  reluAttention,
  { ...scores, v },
  { out: [[250.5]] },
);
example("γ = ½ divides by 2", reluAttention, { ...scores, v }, { out: [[501]] }, { gamma: 0.5 });
example("squared", reluAttention, { ...scores, v }, { out: [[2501]] }, { phi: "relu2" });
example("stops at 6", reluAttention, { ...scores, v }, { out: [[150.5]] }, { phi: "relu6" });
example("identity", reluAttention, { ...scores, v }, { out: [[250.5 - 15]] }, { phi: "identity" });
const ln3 = Math.log(3);
example(
  "sigmoid of ln 3 is ¾, of 0 is ½",
  reluAttention,
  { q: [[1]], k: [[ln3], [0]], v: [[8], [4]] },
  { out: [[4]] },
  { phi: "sigmoid" },
);
example(
  "softplus of ln 3 is ln 4, of 0 is ln 2",
  reluAttention,
  { q: [[1]], k: [[ln3], [0]], v: [[1], [4]] },
  { out: [[3 * Math.LN2]] },
  { phi: "softplus" },
);
example(
  "GELU of 1 is Φ(1)",
  reluAttention,
  { q: [[1]], k: [[1]], v: [[1]] },
  { out: [[0.8413447460685429]] },
  { phi: "gelu" },
);
const causal = { q: [[1], [1]], k: [[3], [3], [3]], v: [[1], [1], [4]] };
example("not causal unless told so", reluAttention, causal, { out: [[6], [6]] });
example(
  "causal, two queries after one cached key: each divides by the keys it sees",
  reluAttention,
  causal,
  { out: [[3], [6]] },
  { causal: true },
);
example(
  "or both by 2, the mean of 1, 2 and 3",
  reluAttention,
  causal,
  { out: [[3], [9]] },
  { causal: true, length: "mean" },
);
example(
  "or both by the three there are",
  reluAttention,
  causal,
  { out: [[2], [6]] },
  { causal: true, length: "total" },
);
example(
  "no visible key gives zeros, also for a φ that is not 0 at −∞",
  reluAttention,
  { q: [[1]], k: [[2]], v: [[3]], mask: [[0]] },
  { out: [[0]] },
  { phi: "identity" },
);

law(
  "with γ = 0 the outputs of two sets of keys add up",
  cases(reluAttention, { options: { gamma: 0, causal: false }, given: { mask: false } }),
  ({ x: { q, k, v }, n, o }) => {
    const cut = Math.floor(n.Tk / 2);
    const part = (from: number, to: number) =>
      reluAttention({ q, k: span(k, 0, from, to), v: span(v, 0, from, to) }, o).out;
    const [first, second] = [part(0, cut), part(cut, n.Tk)];
    same(
      reluAttention({ q, k, v }, o).out,
      edit(first, (value, t, e) => value + at(second, t, e)),
    );
  },
);
law(
  "a query three times as long gives three times the output",
  cases(reluAttention, { options: { phi: "relu" } }),
  ({ x, o }) =>
    same(
      reluAttention({ ...x, q: edit(x.q, (value) => 3 * value) }, o).out,
      edit(reluAttention(x, o).out, (value) => 3 * value),
    ),
);
law("ReLU of z less ReLU of −z is z", cases(reluAttention, { options: { phi: "relu" } }), ({ x, o }) => {
  const back = reluAttention({ ...x, q: edit(x.q, (value) => -value) }, o).out;
  same(
    edit(reluAttention(x, o).out, (value, t, e) => value - at(back, t, e)),
    reluAttention(x, { ...o, phi: "identity" }).out,
  );
});
law(
  "a hidden key is as good as absent where the length counts what is seen",
  cases(reluAttention, { options: { length: "allowed", causal: false }, given: { mask: false } }),
  ({ x: { q, k, v }, n, o }) =>
    same(
      reluAttention(
        {
          q,
          k: join(
            0,
            k,
            tensor([1, n.D], () => 7),
          ),
          v: join(
            0,
            v,
            tensor([1, n.E], () => 7),
          ),
          mask: tensor([n.Tq, n.Tk + 1], (_, s) => (s < n.Tk ? 1 : 0)),
        },
        o,
      ).out,
      reluAttention({ q, k, v }, o).out,
    ),
);
