/**
 * Changes pages on purpose and reports which changes no test noticed.
 *
 *     npx tsx test/mutation/mutate.ts [--sample N] [--list] [id or family …]
 *
 * Each mutant is one small slip (an operator, a constant, a bound, swapped indices) in what a page computes. It is
 * killed when a test of the page fails. Survivors argued to be equivalent stand, with the argument, in equivalent.json.
 * Exit 1 if the score is below 90 %.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { build } from "esbuild";
import { pagePaths } from "../../scripts/pages.ts";
import { type Mutant, mutantsOf } from "./mutants.ts";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "../..");
const cache = join(root, "node_modules/.cache/mutation", String(process.pid));
const slowest = 20_000;
const wantedScore = 0.9;

interface Argued {
  readonly page: string;
  readonly change: string;
  readonly why: string;
}
const argued = JSON.parse(readFileSync(join(here, "equivalent.json"), "utf8")) as Argued[];

/** The test of a page with the page's source replaced, as one module. */
async function bundle(id: string, source: string, name: string): Promise<string> {
  const page = join(root, "spec", `${id}.ts`);
  const entry = `import ${JSON.stringify(join(root, "test/spec", `${id}.test.ts`))}; export { firstFailure } from ${JSON.stringify(join(here, "runner.ts"))};`;
  const { outputFiles } = await build({
    stdin: { contents: entry, resolveDir: root, loader: "ts" },
    bundle: true,
    ignoreAnnotations: true,
    write: false,
    format: "esm",
    platform: "node",
    external: ["fast-check"],
    logLevel: "silent",
    define: { "import.meta.url": JSON.stringify(pathToFileURL(join(root, "test/golden.ts")).href) },
    plugins: [
      {
        name: "mutant",
        setup({ onResolve, onLoad }) {
          onResolve({ filter: /^vitest$/ }, () => ({ path: join(here, "runner.ts") }));
          onLoad({ filter: /\.ts$/ }, ({ path }) => (path === page ? { contents: source, loader: "ts" } : undefined));
        },
      },
    ],
  });
  const path = join(cache, `${name}.mjs`);
  writeFileSync(path, outputFiles[0]!.contents);
  return pathToFileURL(path).href;
}

/** Runs bundled tests one after the other; a test that hangs ends with its thread and counts as failing. */
class Bench {
  #worker = new Worker(join(here, "worker.mjs"), { env: { ...process.env, ATTNSPEC_MUTATION: "1" } });
  run(url: string): Promise<string | undefined> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        void this.#worker.terminate();
        this.#worker = new Worker(join(here, "worker.mjs"), { env: { ...process.env, ATTNSPEC_MUTATION: "1" } });
        resolve("it did not end");
      }, slowest);
      this.#worker.once("message", ({ killedBy }: { killedBy?: string }) => {
        clearTimeout(timer);
        resolve(killedBy);
      });
      this.#worker.postMessage(url);
    });
  }
  close(): void {
    void this.#worker.terminate();
  }
}

interface Score {
  readonly id: string;
  readonly mutants: number;
  readonly equivalent: number;
  readonly survivors: readonly Mutant[];
}

async function judge(id: string, bench: Bench, sample: number): Promise<Score> {
  const source = readFileSync(join(root, "spec", `${id}.ts`), "utf8");
  const slug = id.replace("/", "--");
  const broken = await bench.run(await bundle(id, source, `${slug}-original`));
  if (broken) throw new Error(`${id}: its tests fail without any change: ${broken}`);
  const every = mutantsOf(source);
  const step = Math.max(1, every.length / sample);
  const chosen = every.filter((_, i) => Math.floor(i / step) !== Math.floor((i - 1) / step) || i === 0);
  const survivors: Mutant[] = [];
  let equivalent = 0;
  for (const [i, mutant] of chosen.entries()) {
    let url: string;
    try {
      url = await bundle(id, mutant.source, `${slug}-${i}`);
    } catch {
      continue;
    }
    const killedBy = await bench.run(url);
    if (process.argv.includes("--list"))
      console.log(
        `  ${killedBy ? "killed" : "SURVIVES"} ${mutant.label}${killedBy ? `  [${killedBy.slice(0, 90)}]` : ""}`,
      );
    if (killedBy) continue;
    if (argued.some((a) => a.page === id && a.change === mutant.change)) equivalent++;
    else survivors.push(mutant);
  }
  return { id, mutants: chosen.length, equivalent, survivors };
}

async function main(): Promise<void> {
  const words = process.argv.slice(2);
  const sampleAt = words.indexOf("--sample");
  const sample = sampleAt < 0 ? Number.POSITIVE_INFINITY : Number(words[sampleAt + 1]);
  const asked = words.filter(
    (word, i) => (!word.startsWith("--") && i !== sampleAt + 1) || (sampleAt < 0 && !word.startsWith("--")),
  );
  const ids = pagePaths().filter(
    (id) => asked.length === 0 || asked.some((word) => id === word || id.startsWith(`${word}/`)),
  );
  mkdirSync(cache, { recursive: true });
  const queue = [...ids];
  const scores: Score[] = [];
  const failures: string[] = [];
  await Promise.all(
    Array.from({ length: Math.min(availableParallelism(), ids.length) }, async () => {
      const bench = new Bench();
      for (let id = queue.shift(); id; id = queue.shift()) {
        try {
          const score = await judge(id, bench, sample);
          scores.push(score);
          const alive = score.survivors.length;
          console.log(
            `${id}: ${score.mutants - alive - score.equivalent} of ${score.mutants - score.equivalent} killed${score.equivalent ? `, ${score.equivalent} argued equivalent` : ""}`,
          );
          for (const { label } of score.survivors) console.log(`  SURVIVES ${label}`);
        } catch (error) {
          failures.push(error instanceof Error ? error.message : String(error));
        }
      }
      bench.close();
    }),
  );
  rmSync(cache, { recursive: true, force: true });
  for (const failure of failures) console.error(failure);
  const total = scores.reduce((n, s) => n + s.mutants - s.equivalent, 0);
  const killed = total - scores.reduce((n, s) => n + s.survivors.length, 0);
  const score = total ? killed / total : 0;
  console.log(
    `${scores.length} pages, ${killed} of ${total} mutants killed (${(100 * score).toFixed(1)} %), ${scores.reduce((n, s) => n + s.equivalent, 0)} argued equivalent`,
  );
  if (failures.length || score < wantedScore) process.exitCode = 1;
}
await main();
