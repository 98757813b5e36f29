/** What every contender does, in its page. */
import { contests } from "../contests.ts";

/** A language model that is open. */
export interface Writes {
  /** Reads the prompt, calls `read`, and writes `count` more tokens, always the likeliest. */
  write(prompt: readonly number[], count: number, read: () => Promise<void>): Promise<void>;
  /** The `count` tokens that are likeliest behind the prompt. */
  likeliest(prompt: readonly number[], count: number): Promise<number[]>;
}

/** A model of sentences that is open: vectors of length 1, the means over tokens. */
export interface Embeds {
  embed(texts: readonly (readonly number[])[]): Promise<ArrayLike<number>[]>;
}

export type Opened = Writes | Embeds;

/** Digits, which are single tokens: byte b of the tokenizer of the GGUF files is token b. */
export const promptOf = (count: number, seed = 0): number[] =>
  Array.from({ length: count }, (_, i) => 48 + ((i * i + seed * (i + 3) + (i >> 3)) % 10));

export const textsOf = (count: number, length: number, seed = 0): number[][] =>
  Array.from({ length: count }, (_, n) =>
    Array.from({ length }, (_, i) => (7919 * (i + 31 * n + 997 * seed) + 104) % 30_000),
  );

/** How long something took: milliseconds on the wall, and of the processor's time in the busiest thread. */
export interface Took {
  readonly wall: number;
  readonly thread: number;
}

/** What one contender did: units a second of each figure, and what it gave where all are asked for the same. */
export interface Result {
  readonly figures: Readonly<Record<string, { readonly units: number; readonly took: Took }>>;
  readonly given: readonly number[] | readonly (readonly number[])[];
}

/** The processor's time of each thread of this page in milliseconds; empty where it cannot be told. */
declare const threads: () => Promise<Record<string, number>>;

async function clock(): Promise<() => Promise<Took>> {
  const [started, before] = [performance.now(), await threads()];
  return async () => {
    const wall = performance.now() - started;
    const spent = Object.entries(await threads()).map(([thread, time]) => time - (before[thread] ?? 0));
    return { wall, thread: spent.length ? Math.max(...spent) : wall };
  };
}

/** How much each contender does. */
export interface Amounts {
  /** Tokens of the prompt that is read, and tokens written behind it. */
  readonly prompt: number;
  readonly written: number;
  /** How long sentences of one length are embedded. */
  readonly seconds: number;
}

/** Runs the contender that is open. */
export const run = (opened: Opened, contest: string, { prompt, written, seconds }: Amounts): Promise<Result> =>
  contests[contest]!.shape === "MiniLM-L6"
    ? embeds(opened as Embeds, seconds)
    : writes(opened as Writes, prompt, written);

async function writes(model: Writes, prompt: number, written: number): Promise<Result> {
  const given = await model.likeliest(promptOf(32), 16);
  await model.write(promptOf(32, 1), 4, async () => {});
  let stop = await clock();
  const took: Took[] = [];
  await model.write(promptOf(prompt, 2), written, async () => {
    took.push(await stop());
    stop = await clock();
  });
  took.push(await stop());
  return {
    figures: { prefill: { units: prompt, took: took[0]! }, decode: { units: written, took: took[1]! } },
    given,
  };
}

async function embeds(model: Embeds, seconds: number): Promise<Result> {
  const given = (await model.embed(textsOf(4, 32))).map((vector) => Array.from(vector));
  const figures: Record<string, { units: number; took: Took }> = {};
  for (const length of [16, 64, 128])
    for (const count of [1, 8]) {
      const units = async () => {
        let done = 0;
        for (const end = performance.now() + 1000 * seconds; performance.now() < end; done += count)
          await model.embed(textsOf(count, length, done));
        return done;
      };
      // Engines compile again what has run for a while.
      await units();
      const stop = await clock();
      figures[`${count} × ${length}`] = { units: await units(), took: await stop() };
    }
  return { figures, given };
}
