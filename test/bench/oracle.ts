/**
 * What the index functions of a page cost: the page beside flat hand-written loops over Float64Array, interleaved.
 *
 *     npm run bench
 *
 * Causal attention, T = 256, 4 heads, D = E = 64. Medians over several rounds in several processes; a ratio, not a time.
 */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { scaledDotProductAttention } from "../../spec/core/scaled-dot-product-attention.ts";
import { tensor } from "../../spec/page.ts";
import { random } from "../../src/oracle/random.ts";

const [H, T, D, E] = [4, 256, 64, 64];

/** The same attention in flat loops. */
function loops(q: Float64Array, k: Float64Array, v: Float64Array): Float64Array {
  const out = new Float64Array(H * T * E);
  const scale = 1 / Math.sqrt(D);
  const weights = new Float64Array(T);
  for (let h = 0; h < H; h++)
    for (let t = 0; t < T; t++) {
      let top = Number.NEGATIVE_INFINITY;
      for (let s = 0; s <= t; s++) {
        let score = 0;
        for (let d = 0; d < D; d++) score += q[(h * T + t) * D + d]! * k[(h * T + s) * D + d]!;
        weights[s] = score * scale;
        top = Math.max(top, weights[s]!);
      }
      let total = 0;
      for (let s = 0; s <= t; s++) {
        weights[s] = Math.exp(weights[s]! - top);
        total += weights[s]!;
      }
      for (let e = 0; e < E; e++) {
        let sum = 0;
        for (let s = 0; s <= t; s++) sum += weights[s]! * v[(h * T + s) * E + e]!;
        out[(h * T + t) * E + e] = sum / total;
      }
    }
  return out;
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1]!;

/** One process: alternates the two and gives the median ratio and times. */
function rounds(count: number): { page: number; loops: number; ratio: number } {
  const source = random(1);
  const [q, k, v] = [D, D, E].map((width) => tensor([H, T, width], () => source.normal())) as [
    ReturnType<typeof tensor>,
    ReturnType<typeof tensor>,
    ReturnType<typeof tensor>,
  ];
  const times: { page: number; loops: number }[] = [];
  for (let i = 0; i < count; i++) {
    const start = performance.now();
    const out = scaledDotProductAttention({ q, k, v }, { causal: true }).out.data;
    const between = performance.now();
    const flat = loops(q.data, k.data, v.data);
    const end = performance.now();
    times.push({ page: between - start, loops: end - between });
    for (let j = 0; j < flat.length; j++)
      if (Math.abs(out[j]! - flat[j]!) > 1e-12) throw new Error(`the two disagree at ${j}`);
  }
  return {
    page: median(times.map((t) => t.page)),
    loops: median(times.map((t) => t.loops)),
    ratio: median(times.map((t) => t.page / t.loops)),
  };
}

if (process.argv.includes("--once")) console.log(JSON.stringify(rounds(11)));
else {
  const runs = Array.from(
    { length: 5 },
    () =>
      JSON.parse(
        execFileSync(process.execPath, [...process.execArgv, fileURLToPath(import.meta.url), "--once"], {
          encoding: "utf8",
        }),
      ) as ReturnType<typeof rounds>,
  );
  const of = (key: "page" | "loops" | "ratio") => runs.map((run) => run[key]);
  console.log(`causal attention, T = ${T}, ${H} heads, D = ${D}, float64, Node ${process.version}`);
  console.log(
    `page  ${median(of("page")).toFixed(0)} ms, loops ${median(of("loops")).toFixed(0)} ms (medians of 5 processes × 11 rounds)`,
  );
  console.log(
    `ratio ${median(of("ratio")).toFixed(1)} (processes: ${of("ratio")
      .map((r) => r.toFixed(1))
      .join(", ")})`,
  );
}
