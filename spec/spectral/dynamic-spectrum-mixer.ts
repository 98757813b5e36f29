import { choice, gelu, integer, type Matrix, mean, mechanism, range, sigmoid, softmax, sum, table } from "../page.ts";

/**
 * Dynamic spectrum mixer: a feature map is transformed by cosines, each band of frequencies is weighted by what the map
 * as a whole looks like, and the result is transformed back. Dynamic Spectrum Mixer 2023, arXiv:2309.06721.
 *
 * $$ F = D_Y\, x\, D_X^\top, \quad D_n[k, i] = \sqrt{\frac{1 + [k > 0]}{n}}\, \cos \frac{\pi (2i+1) k}{2n}, \quad
 *    g = \sigma\bigl(\operatorname{GELU}(\bar x W_1 + b_1) W_2 + b_2\bigr) $$
 * $$ F'_{u,v,c} = w_{u,v,c}\, g_{b(u,v),c}\, F_{u,v,c}, \quad
 *    b(u,v) = \max\bigl(\lfloor B u / Y \rfloor, \lfloor B v / X \rfloor\bigr), \quad o = (D_Y^\top F' D_X)\, W_o $$
 *
 * Transforms and gates are for each channel; $\bar x$ is the mean over the map, so every frequency of a band and
 * channel has one factor. $\sigma$ is the sigmoid, or with `gate` `softmax` the softmax over the bands of a channel.
 * The lowest band is the mean alone where $B$ is at least as large as the map; a band may then be empty. GELU is the
 * exact one. A residual stands outside. Cost: $O(YXC(Y + X))$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or `w2` does not divide into the
 * bands.
 */
export const dynamicSpectrumMixer = mechanism({
  id: "spectral/dynamic-spectrum-mixer",
  name: "Dynamic spectrum mixer (DSM)",
  paper: "Dynamic Spectrum Mixer, 2023, arXiv:2309.06721",
  ours: "the abstract tells of a cosine transform and weights of the bands made from the input; how the bands lie, the network and the gate are chosen here",
  inputs: {
    x: "Y X C",
    w1: "C A",
    b1: "A = 0",
    w2: "A (B C)",
    b2: "(B C) = 0",
    static: "Y X C = 1",
    wO: "C Co = identity",
  },
  outputs: { out: "Y X Co" },
  options: {
    bands: integer(8, "B, the number of bands", { min: 1, tried: [1, 2, 3] }),
    gate: choice(["sigmoid", "softmax"], "how the scores of the bands become weights"),
  },
  axes: { B: (_, o) => o.bands },
  properties: [{ linear: "static" }, { linear: "wO" }],
  run({ x, w1, b1, w2, b2, static: still, wO }, { Y, X, C, A, B }, { gate }) {
    const dct = (n: number) =>
      table([n, n], (k, i) => Math.sqrt((k === 0 ? 1 : 2) / n) * Math.cos((Math.PI * (2 * i + 1) * k) / (2 * n)));
    const [dY, dX] = [dct(Y), dct(X)];
    const band = (u: number, v: number) => Math.max(Math.floor((B * u) / Y), Math.floor((B * v) / X));
    type Features = (y: number, j: number, c: number) => number;
    const along = (left: Matrix, right: Matrix, map: Features) => {
      const columns = table([Y, X, C], (u, j, c) => sum(Y, (y) => left(u, y) * map(y, j, c)));
      return table([Y, X, C], (u, v, c) => sum(X, (j) => columns(u, j, c) * right(v, j)));
    };
    const f = along(dY, dX, x);
    const average = table([C], (c) => mean(Y, (y) => mean(X, (j) => x(y, j, c))));
    const hidden = table([A], (a) => gelu(sum(C, (c) => average(c) * w1(c, a)) + b1(a)));
    const score = table([B, C], (b, c) => sum(A, (a) => hidden(a) * w2(a, b, c)) + b2(b, c));
    const shares = table([C], (c) => softmax(range(B), (b) => score(b, c)));
    const g = (b: number, c: number) => (gate === "softmax" ? shares(c).of(b) : sigmoid(score(b, c)));
    const weighted = table([Y, X, C], (u, v, c) => still(u, v, c) * g(band(u, v), c) * f(u, v, c));
    const mixed = along(
      (y, u) => dY(u, y),
      (j, v) => dX(v, j),
      weighted,
    );
    return { out: (y, j, m) => sum(C, (c) => mixed(y, j, c) * wO(c, m)) };
  },
});
