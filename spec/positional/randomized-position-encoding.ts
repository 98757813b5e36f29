import { choice, integer, mechanism, real, rotate } from "../page.ts";

/**
 * Randomised positional encoding: tokens take increasing places drawn at random from a range far longer than any sequence,
 * in training and after, so that no place of a long sequence is new. Ruoss et al. 2023, arXiv:2305.16843. The places may
 * enter by any scheme; here by the turn of RoPE, by a sinusoidal vector added, or by a row of a table added.
 *
 * $$ y_t = \varrho_{r_t}(x_t), \qquad y_t = x_t + \bigl(\sin r_t\omega_i \,\big\|\, \cos r_t\omega_i\bigr)_{i < D/2}, \qquad y_t = x_t + \tau_{r_t},
 *    \quad \omega_i = \theta^{-2i/D}, \quad 0 \le r_0 < r_1 < \dots < L $$
 *
 * `ids` are the places $r_t$: a draw without repetition, sorted, one draw for queries and keys. For `rotary`, $x$ is the
 * queries or the keys and pair $i$ is $(2i, 2i+1)$; for the others $x$ is the tokens. $r_t = t$ is the scheme as it was, and
 * for `rotary` only the gaps between places matter. A table $\tau$ is learned in the authors' code; a random one marks tokens
 * by tags that have no order, which is how the random embeddings of Shen et al. 2023, arXiv:2311.14737, may be written
 * (their text could not be consulted). Cost: $O(T D)$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, places do not increase or are not below
 * $L$, $D$ is odd where there are pairs, or `tags` is not given exactly for the scheme `tags`.
 */
export const randomizedPositionEncoding = mechanism({
  id: "positional/randomized-position-encoding",
  name: "Randomised positional encoding",
  paper: "Ruoss et al., 2023, arXiv:2305.16843; Shen et al., 2023, arXiv:2311.14737",
  code: "google-deepmind/randomized_positional_encodings models/positional_encodings.py:noisy_fixed_positional_encodings",
  inputs: { x: "T D", ids: "T", tags: "P D = none" },
  outputs: { out: "T D" },
  options: {
    variant: choice(
      ["rotary", "sinusoidal", "tags"],
      "how a place enters: by a turn, a sinusoid or a row of the table",
    ),
    places: integer(2048, "L, how many places there are to draw from", { min: 1, max: 2 ** 40, tried: [5, 8, 20] }),
    base: real(10000, "θ, the base of the frequencies", { above: 0, tried: [100] }),
  },
  axes: { P: (_, o) => o.places },
  tried: { D: [2, 4, 6, 3] },
  requires: {
    "places must be at least T": (n, o) => o.places >= n.T,
    "tags must be given if variant is tags, and only then": (_, o, given) => given.tags === (o.variant === "tags"),
    "D must be even unless variant is tags": (n, o) => n.D % 2 === 0 || o.variant === "tags",
  },
  domain: { ids: { integers: [0, (n: { P: number }) => n.P - 1], order: "ascending" } },
  properties: [{ linear: "x", when: (_, o) => o.variant === "rotary" }, { causal: "T" }],
  run({ x, ids, tags }, { D }, { variant, base }) {
    const angle = (t: number, i: number) => ids(t) * base ** ((-2 * i) / D);
    const sinusoid = (t: number, d: number) => (d < D / 2 ? Math.sin(angle(t, d)) : Math.cos(angle(t, d - D / 2)));
    return {
      out: {
        rotary: (t: number, d: number) =>
          rotate(
            (c) => x(t, c),
            D,
            "interleaved",
            (i) => angle(t, i),
          )(d),
        sinusoidal: (t: number, d: number) => x(t, d) + sinusoid(t, d),
        tags: (t: number, d: number) => x(t, d) + tags(ids(t), d),
      }[variant],
    };
  },
});
