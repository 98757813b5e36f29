/** A guided run: mechanisms on inputs captured from a real layer, then two kernels judged. */
import { readFile } from "node:fs/promises";
import { scaledDotProductAttention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { evaluate, type Inputs, type Tensor, tensor } from "../../../spec/page.ts";
import { evidence, ids, load } from "../../index.ts";
import { readSafetensors } from "../../io/safetensors.ts";
import { conforms } from "../../oracle/conforms.ts";
import { heatmap, sideBySide } from "./heatmap.ts";
import { right, wrong } from "./kernels.ts";
import { writing } from "./writing.ts";

const started = performance.now();
const say = (text = ""): void => console.log(text);

interface Shown {
  readonly id: string;
  readonly title: string;
  /** Which captured head it is shown on. */
  readonly head: number;
  readonly options?: Readonly<Record<string, unknown>>;
  /** Inputs beside q, k and v. */
  readonly extra?: Readonly<Record<string, Tensor>>;
}

const row = (...values: number[]): Tensor => ({ shape: [values.length], data: values });
/** Four maps a line; every one is what the mechanism makes of the same captured queries and keys. */
const shown: readonly Shown[] = [
  { id: "core/scaled-dot-product-attention", title: "softmax, head 1", head: 0 },
  { id: "core/scaled-dot-product-attention", title: "softmax, head 2", head: 1 },
  { id: "core/scaled-dot-product-attention", title: "softmax, head 3", head: 2 },
  { id: "core/scaled-dot-product-attention", title: "causal", head: 2, options: { causal: true } },
  { id: "sparse/sliding-window-attention", title: "sliding window 4", head: 2, options: { window: 4 } },
  { id: "positional/alibi", title: "ALiBi, slope ½", head: 2, extra: { slopes: row(0.5) } },
  { id: "score/sparsemax-attention", title: "sparsemax", head: 2 },
  { id: "score/attention-sink-logit", title: "sink logit 2", head: 2, extra: { sinks: row(2) } },
];

/** The weights a mechanism gives each token: what it returns when the values are the identity. */
async function map({ id, head, options = {}, extra = {} }: Shown, q: Tensor, k: Tensor): Promise<Tensor> {
  const { page } = await load(id);
  const [, n = 0, d = 0] = q.shape;
  const heads = page.inputs.q!.split(" ").length === 3;
  const cut = (t: Tensor): Tensor => ({
    shape: heads ? [1, n, d] : [n, d],
    data: Float64Array.from({ length: n * d }, (_, i) => Number(t.data[head * n * d + i])),
  });
  const identity = tensor(heads ? [1, n, n] : [n, n], (...index) => (index.at(-1) === index.at(-2) ? 1 : 0));
  const inputs: Inputs = { q: cut(q), k: cut(k), v: identity, ...extra };
  return { shape: [n, n], data: (evaluate(page, inputs, options).out as Tensor).data };
}

async function main(): Promise<void> {
  const { tensors, metadata } = readSafetensors(
    await readFile(new URL("../tour-data/minilm-layer.safetensors", import.meta.url)),
    "minilm-layer.safetensors",
  );
  const [q, k] = [tensors.q as Tensor, tensors.k as Tensor];
  const confirmed = ids.filter((id) => evidence[id]?.confidence === "confirmed").length;
  say(
    `attnspec: ${ids.length} attention mechanisms as executable float64 specifications, ${confirmed} confirmed by their official code\n`,
  );
  say(`1. What mechanisms do to real queries and keys`);
  say(`   ${metadata.model}, layer ${metadata.layer}, on “${metadata.sentence}”`);
  say(`   Rows are queries, columns keys, both in the order of the sentence.\n`);
  const width = q.shape[1]!;
  for (let first = 0; first < shown.length; first += 4) {
    const line = await Promise.all(
      shown.slice(first, first + 4).map(async (one) => ({ title: one.title, lines: heatmap(await map(one, q, k)) })),
    );
    say(`${sideBySide(line, width)}\n`);
  }
  say("2. A verdict on somebody's kernel: online softmax in float32, blocks of 4 keys\n");
  say(String(await conforms(scaledDotProductAttention, right, { cases: 200 })));
  say("\n3. The same kernel with one line missing: it does not shrink its sums when the maximum rises\n");
  say(String(await conforms(scaledDotProductAttention, wrong, { cases: 200 })));
  say("\n4. A language model of a million weights, trained on the King James Bible, on the kernels\n");
  await writing(say);
  say("\nNext");
  say("   npx attnspec list                                   every mechanism, and how it is confirmed");
  say("   npx attnspec show grouped-query-attention           formula, shapes, options, laws, source");
  say("   npx attnspec vectors logit-softcap --output vectors test vectors for a kernel in any language");
  say("   README.md                                           judging your own kernel in ten lines");
  say(`\n(${((performance.now() - started) / 1000).toFixed(1)} s)`);
}

await main();
