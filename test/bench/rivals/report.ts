/** What the contests gave, as numbers and as the table that the documentation shows. */
import type { Result } from "./pages/contest.ts";

/** One contest that was held. */
export interface Contested {
  readonly about: string;
  readonly engine: string;
  readonly processor: string;
  readonly prompt: number;
  readonly written: number;
  readonly contenders: readonly {
    readonly name: string;
    /** See {@link agreement}; the least of the rounds. */
    readonly agreement: number;
    /** Units a second of each figure, round by round. */
    readonly rounds: readonly Readonly<Record<string, number>>[];
  }[];
}

/** Tokens or sentences in a second of the busiest thread's time, of each figure. */
export const rates = ({ figures }: Pick<Result, "figures">): Record<string, number> =>
  Object.fromEntries(Object.entries(figures).map(([name, { units, took }]) => [name, (1000 * units) / took.thread]));

/** Of likeliest tokens the share that is among those expected; of vectors the least cosine. */
export function agreement(given: Result["given"], expected: Result["given"]): number {
  const isTokens = (of: Result["given"]): of is readonly number[] => typeof of[0] === "number";
  if (isTokens(given) && isTokens(expected))
    return given.filter((token) => expected.includes(token)).length / expected.length;
  if (isTokens(given) || isTokens(expected) || given.length !== expected.length) return 0;
  const product = (a: readonly number[], b: readonly number[]) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
  const cosine = (a: readonly number[], b: readonly number[]) =>
    product(a, b) / Math.sqrt(product(a, a) * product(b, b));
  return Math.min(...given.map((vector, i) => cosine(vector, expected[i]!)));
}

/** Whether what a contender gives can come of quantised weights: tokens taken at random would agree in none. */
export const agrees = (given: Result["given"], close: number): boolean =>
  close >= (typeof given[0] === "number" ? 0.25 : 0.95);

const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2;
};

const labels: Readonly<Record<string, string>> = { prefill: "reading the prompt", decode: "writing" };

/** Each figure of each rival: its rate, ours, and ours over it, medians over rounds with the least and the most. */
export function tableOf(contested: readonly Contested[]) {
  const rows = contested.flatMap(({ about, contenders: [ours, ...others] }) =>
    others.flatMap((rival) =>
      Object.keys(rival.rounds[0]!).map((figure) => {
        const of = (rounds: readonly Readonly<Record<string, number>>[]) => rounds.map((round) => round[figure]!);
        const ratios = of(ours!.rounds).map((rate, round) => rate / of(rival.rounds)[round]!);
        const range = `${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)}`;
        const shown = [median(of(ours!.rounds)), median(of(rival.rounds))].map((rate) => rate.toPrecision(3));
        return [about, labels[figure] ?? figure, rival.name, ...shown, `${median(ratios).toFixed(2)} (${range})`];
      }),
    ),
  );
  const engines = [...new Set(contested.map(({ engine, processor }) => `${engine}, ${processor}`))].join("; ");
  const counts = (of: (contest: Contested) => number) => {
    const values = contested.map(of);
    const [least, most] = [Math.min(...values), Math.max(...values)];
    return least === most ? `${least}` : `${least} to ${most}`;
  };
  const rounds = counts(({ contenders }) => contenders[0]!.rounds.length);
  return {
    title: "Beside llama.cpp and transformers.js in a browser",
    note: `${engines}. Random weights, one thread, its own time; a prompt of ${counts(({ prompt }) => prompt)} tokens, ${counts(({ written }) => written)} tokens written; sentences as count × tokens. Medians of ${rounds} ${rounds === "1" ? "round" : "rounds"}, in which all run one after the other; in brackets the least and the most.`,
    columns: ["Model", "What", "Beside", "Ours, a second", "Theirs, a second", "Ours over theirs"],
    rows,
  };
}
