import { gatedLinearAttention as gla } from "../../../spec/linear/gated-linear-attention.ts";
import { retention } from "../../../spec/linear/retention.ts";
import { at, cases, edit, example, law, reshape, same, specify, tensor } from "../../kit.ts";

specify(gla);

const half = Math.log(0.5);
example(
  "gates of ½: 8 fades to 4 and to 2, and 2 is added; the first token's gate acts on nothing",
  gla,
  { q: [[1], [1], [1]], k: [[1], [1], [1]], v: [[8], [0], [2]], g: [[-7], [half], [half]] },
  { out: [[8], [4], [4]], state: [[4]] },
);
example(
  "each row of the state fades by itself: 6 to 3 and 10 to 2, then 1 is written to the first",
  gla,
  { q: [[1, 1]], k: [[1, 0]], v: [[1]], g: [[half, Math.log(0.2)]], state: [[6], [10]] },
  { out: [[6]], state: [[4], [2]] },
  { scale: 1 },
);
example(
  "at D = 4 the product 1 + 2 + 3 + 4 is halved",
  gla,
  { q: [[1, 1, 1, 1]], k: [[1, 2, 3, 4]], v: [[6, 1]], g: [[0, 0, 0, 0]] },
  { out: [[30, 5]] },
);

law("is the decayed products of queries and keys applied to the values", cases(gla), ({ x, n, o }) => {
  const G = (t: number, d: number) => {
    let total = 0;
    for (let u = 0; u <= t; u++) total += at(x.g, u, d);
    return total;
  };
  same(
    gla(x, o).out,
    tensor([n.T, n.E], (t, e) => {
      let total = 0;
      for (let d = 0; d < n.D; d++) {
        if (x.state) total += at(x.q, t, d) * Math.exp(G(t, d)) * at(x.state, d, e);
        for (let s = 0; s <= t; s++)
          total += at(x.q, t, d) * at(x.k, s, d) * Math.exp(G(t, d) - G(s, d)) * at(x.v, s, e);
      }
      return o.scale * total;
    }),
  );
});
for (const [gate, name] of [
  [0, "open gates leave linear attention without decay"],
  [-0.75, "one gate for all rows and tokens is retention"],
] as const)
  law(name, cases(gla), ({ x, n, o }) => {
    const { out, state } = retention(
      {
        q: reshape(x.q, 1, n.T, n.D),
        k: reshape(x.k, 1, n.T, n.D),
        v: reshape(x.v, 1, n.T, n.E),
        gamma: tensor([1], () => Math.exp(gate)),
        ...(x.state && { state: reshape(x.state, 1, n.D, n.E) }),
      },
      { scale: o.scale },
    );
    const gated = gla({ ...x, g: edit(x.g, () => gate) }, o);
    same(gated.out, reshape(out, n.T, n.E));
    same(gated.state, reshape(state, n.D, n.E));
  });
law("closed gates leave each token its own value", cases(gla), ({ x, n, o }) =>
  same(
    gla({ ...x, g: edit(x.g, () => Number.NEGATIVE_INFINITY) }, o).out,
    tensor([n.T, n.E], (t, e) => {
      let product = 0;
      for (let d = 0; d < n.D; d++) product += at(x.q, t, d) * at(x.k, t, d);
      return o.scale * product * at(x.v, t, e);
    }),
  ),
);
