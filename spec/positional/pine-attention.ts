import { integer, largest, mean, mechanism, numbers, range, real, rotate, softmax, sum, table } from "../page.ts";

/**
 * Position-invariant inference (PINE): the documents of a prompt see one another both ways, and every reader, a document or a
 * later token, puts them in an order of its own, the more important the nearer, so that the order in the prompt has no effect.
 * Wang et al. 2024, arXiv:2407.01100.
 *
 * The tokens are a prefix of $P$, documents of lengths $L_0, L_1, \ldots$ (together $L$), and the rest. Token $i$ has
 * $p_i = i$, but a document's own tokens are counted so that its last is $P + L - 1$. Reader $i$ sees token $j$ of document
 * $b$ at $p_{ij} = p_j - \sum L_c$ over the documents $c$ that it ranks before $b$, every other token at $p_{ij} = p_j$:
 *
 * $$ o_i = \sum_{j : p_{ij} \le p_i} \operatorname{softmax}_j\Bigl(\tfrac{R(p_i)\, q_i \cdot R(p_{ij})\, k_j}{\sqrt D}\Bigr)\, v_j, \quad
 *    I_{i,b} = \sum_{r \in \rho(i)} \frac{1}{L_b} \sum_{j \in b} \operatorname{softmax}_{j \in \mathcal D_i}\Bigl(\tfrac{q_r \cdot k_j}{\sqrt D}\Bigr) $$
 *
 * Documents are ranked by importance $I_{i,b}$, taken without rotation $R$; of equal ones the earlier comes first. For a
 * document's token $\rho(i)$ is the whole document, $\mathcal D_i$ the tokens of the others, and its own document ranks first;
 * for a later token $\rho(i) = \{i\}$ and $\mathcal D_i$ is all documents. So a document sees the prefix, all others, and itself
 * causally; a prefix token only the prefix; a later token all before it. $R$ turns pairs $(d, d + D/2)$. Keys are cached
 * unrotated. Cost: $O(H_q T^2 (D + E))$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, $D$ is odd, $H_q$ is no multiple of $H_k$, or
 * the prefix and the documents are longer than the prompt.
 */
export const pineAttention = mechanism({
  id: "positional/pine-attention",
  name: "PINE (position-invariant attention between documents)",
  paper: "Wang et al., 2024, arXiv:2407.01100",
  code: "wzq016/PINE pine/models/llama/modeling_llama.py:LlamaAttentionWithPS",
  inputs: { q: "Hq T D", k: "Hk T D", v: "Hk T E" },
  outputs: { out: "Hq T E" },
  options: {
    prefixLen: integer(0, "P, the number of tokens before the documents", { min: 0, tried: [1, 2] }),
    segmentLens: numbers([], "the length of every document", { whole: true, tried: [[2], [1, 2], [2, 1, 1]] }),
    ropeBase: real(10000, "the base of the rotary frequencies", { above: 0, tried: [100] }),
  },
  tried: { Hq: [1, 2, 4], Hk: [1, 2], T: [3, 5, 6, 7], D: [2, 4] },
  requires: {
    "Hq must be a multiple of Hk": (n) => n.Hq % n.Hk === 0,
    "D must be even": (n) => n.D % 2 === 0,
    "segmentLens must be at least 1 each and with prefixLen at most T": (n, o) =>
      o.segmentLens.every((length) => length >= 1) && o.prefixLen + sum(o.segmentLens, (length) => length) <= n.T,
  },
  properties: [{ linear: "v" }, { averages: "v", along: "T" }],
  run({ q, k, v }, { Hq, Hk, T, D }, { prefixLen, segmentLens, ropeBase }) {
    const documents = range(segmentLens.length);
    const start = (b: number) => prefixLen + sum(segmentLens.slice(0, b), (length) => length);
    const end = start(documents.length);
    const tokens = (b: number) => range(start(b), start(b + 1));
    const none = -1;
    const documentOf = table([T], (j) => documents.findIndex((b) => start(b) <= j && j < start(b + 1)));
    const shared = (h: number) => Math.floor((h * Hk) / Hq);

    const unrotated = table([Hq, T], (h, r) =>
      softmax(
        range(prefixLen, end).filter((j) => documentOf(j) !== documentOf(r)),
        (j) => sum(D, (d) => q(h, r, d) * k(shared(h), j, d)) / Math.sqrt(D),
      ),
    );
    const order = table([Hq, T], (h, i) => {
      const own = documentOf(i);
      const readers = own === none ? [i] : tokens(own);
      const importance = (b: number) => sum(readers, (r) => mean(tokens(b), (j) => unrotated(h, r).of(j)));
      return largest(documents.length, documents, (b) => (b === own ? Number.POSITIVE_INFINITY : importance(b)));
    });

    const position = table([T], (j) => {
      const b = documentOf(j);
      return b === none ? j : j + end - start(b + 1);
    });
    const seenAt = table([Hq, T, T], (h, i, j) => {
      const b = documentOf(j);
      if (b === none) return position(j);
      const before = order(h, i).slice(0, order(h, i).indexOf(b));
      return position(j) - sum(before, (c) => tokens(c).length);
    });
    const turned = (x: (d: number) => number, p: number) => rotate(x, D, "half", (f) => p * ropeBase ** ((-2 * f) / D));
    const weights = table([Hq, T], (h, i) => {
      const query = table(
        [D],
        turned((d) => q(h, i, d), position(i)),
      );
      return softmax(
        range(T).filter((j) => seenAt(h, i, j) <= position(i)),
        (j) => {
          const key = turned((d) => k(shared(h), j, d), seenAt(h, i, j));
          return sum(D, (d) => query(d) * key(d)) / Math.sqrt(D);
        },
      );
    });
    return { out: (h, i, e) => sum(weights(h, i), (j, w) => w * v(shared(h), j, e)) };
  },
});
