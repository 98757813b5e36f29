/** What every runtime must show of the packed package: kernels that conform to their pages, and a model on them. */

import { scaledDotProductAttention } from "attnspec/core/scaled-dot-product-attention";
import { embed, generate, loadModel } from "attnspec/models";
import { conforms } from "attnspec/oracle";
import { attentionSinkLogit } from "attnspec/score/attention-sink-logit";

/**
 * Judges some kernels, and lets a model write and embed.
 *
 * @returns a line for people, and one that must be the same in every runtime
 */
export async function smoke(kernels, source) {
  const judged = await conformance(kernels);
  const written = await writing(kernels, source);
  return `${kernels.target}, ${judged}\n${JSON.stringify(written)}`;
}

async function conformance(kernels) {
  const one = ({ shape, data }) => ({ shape: [1, ...shape], data });
  const whole = await conforms(
    scaledDotProductAttention,
    ({ q, k, v, mask, bias }, { scale, causal, causalAlign }) => {
      const { out, lse } = kernels.attention(one(q), one(k), one(v), { scale, causal, align: causalAlign, mask, bias });
      return { out: out.data, lse: lse.data };
    },
    { cases: 40 },
  );
  const sinks = await conforms(
    attentionSinkLogit,
    ({ q, k, v, sinks }, { scale, causal, window }) => ({
      out: kernels.attention(q, k, v, { scale, causal, left: window - 1, sinks }).out,
    }),
    { cases: 5, fixed: { sizes: { Hq: 4, Hk: 2, Tq: 35, Tk: 301, D: 9, E: 11 } } },
  );
  for (const verdict of [whole, sinks]) if (!verdict.conforms) throw new Error(String(verdict));
  const [a, b] = [
    { shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) },
    { shape: [3, 1], data: Float32Array.of(1, 0, -1) },
  ];
  const product = [...kernels.matmul(a, b).data];
  if (product.join() !== "-2,-2") throw new Error(`matmul gives ${product}`);
  const share = Math.max(whole.share, sinks.share);
  return `largest error ${(100 * share).toFixed(0)} % of the budget in ${whole.judged + sinks.judged} cases`;
}

/**
 * The embedded model, which is also given a chat template here, since it has none of its own. Its activations stay float32:
 * rounded to 8 bits they tip over with the last digits, which engines with and without relaxed SIMD do not share.
 */
async function writing(kernels, source) {
  const template = new TextEncoder().encode("{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}And");
  const file = { name: "chat_template.jinja", size: template.length, read: async () => template };
  const open = async (name, signal) => (name === file.name ? file : source.open(name, signal));
  const model = await loadModel({ name: source.name, open }, { kernels, activations: "float32" });
  const text = async (prompt, options) => {
    let text = "";
    for await (const piece of generate(model, prompt, { maxTokens: 24, ...options })) text += piece.text;
    return text;
  };
  const greedy = await text("And God said", { temperature: 0 });
  const seeded = await text("And God said", { temperature: 0.9, seed: 42 });
  const chat = await text([{ role: "Moses", content: "Let my people go." }], { temperature: 0.9, seed: 3 });
  const sentences = ["And Abraham begat Isaac.", "They slew the king.", "And he begat sons.", "And there was light."];
  const vectors = await embed(model, sentences);
  const nearness = vectors.map((vector) => vector.reduce((sum, value, i) => sum + value * vectors[0][i], 0));
  const nearest = sentences.toSorted((a, b) => nearness[sentences.indexOf(b)] - nearness[sentences.indexOf(a)]);
  model.dispose();
  return { greedy, seeded, chat, nearest };
}
