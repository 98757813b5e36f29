/** What every runtime must show of the packed package: the kernels start, and conform to their pages. */

import { scaledDotProductAttention } from "attnspec/core/scaled-dot-product-attention";
import { conforms } from "attnspec/oracle";
import { attentionSinkLogit } from "attnspec/score/attention-sink-logit";

/** Judges some kernels; says what was found, or throws the verdict. */
export async function smoke(kernels) {
  const one = ({ shape, data }) => ({ shape: [1, ...shape], data });
  const whole = await conforms(
    scaledDotProductAttention,
    ({ q, k, v, mask, bias }, { scale, causal, causalAlign }) => {
      const { out, lse } = kernels.attention(one(q), one(k), one(v), { scale, causal, align: causalAlign, mask, bias });
      return { out: out.data, lse: lse.data };
    },
    { cases: 60 },
  );
  const sinks = await conforms(
    attentionSinkLogit,
    ({ q, k, v, sinks }, { scale, causal, window }) => ({
      out: kernels.attention(q, k, v, { scale, causal, left: window - 1, sinks }).out,
    }),
    { cases: 30, fixed: { sizes: { Hq: 4, Hk: 2, Tq: 35, Tk: 301, D: 9, E: 11 } } },
  );
  for (const verdict of [whole, sinks]) if (!verdict.conforms) throw new Error(String(verdict));
  const [a, b] = [
    { shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) },
    { shape: [3, 1], data: Float32Array.of(1, 0, -1) },
  ];
  const product = [...kernels.matmul(a, b).data];
  if (product.join() !== "-2,-2") throw new Error(`matmul gives ${product}`);
  const share = Math.max(whole.share, sinks.share);
  return `${kernels.target}, largest error ${(100 * share).toFixed(0)} % of the budget in ${whole.judged + sinks.judged} cases`;
}
