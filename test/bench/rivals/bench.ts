/**
 * How fast models run beside llama.cpp in WebAssembly (wllama) and transformers.js, one thread each in headless Chromium, on
 * random weights of well-known shapes. In every round each contender of a contest opens its model in a browser of its own,
 * reads a prompt and writes on, or embeds sentences; what it gives for one input is compared with what its weights give in float32.
 *
 *     npm run bench:rivals -- [CONTEST…] [--rounds 3] [--only RIVAL,…] [--prompt 512] [--written 32] [--seconds 1]
 *                             [--under "taskset -c 1"] [--json]
 *
 * Contests are those of contests.ts, by default all. `--under` is put before the command of every run. `--json` writes the
 * contests to docs/data/rivals.json, where those that did not run stay. The rivals are installed beside this file, their
 * install scripts left out; the ONNX files want Python, see onnx_files.py (`PYTHON` names another one than python3).
 */
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { cache, compileKernels } from "../../../scripts/kernels.ts";
import { root } from "../../../scripts/pages.ts";
import { contests } from "./contests.ts";
import { expected, folder, prepare } from "./forms.ts";
import type { Result } from "./pages/contest.ts";
import { agreement, agrees, type Contested, rates, tableOf } from "./report.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "3" },
    only: { type: "string" },
    prompt: { type: "string", default: "512" },
    written: { type: "string", default: "32" },
    seconds: { type: "string", default: "1" },
    under: { type: "string", default: "" },
    json: { type: "boolean", default: false },
  },
});
const unknown = positionals.find((name) => !Object.hasOwn(contests, name));
if (unknown) throw new Error(`there is no contest ${unknown}; there are ${Object.keys(contests).join(", ")}`);
const amount = (name: "rounds" | "prompt" | "written" | "seconds"): number => {
  const given = Number(values[name]);
  if (!(given > 0)) throw new Error(`--${name} must be a number above 0, got ${values[name]}`);
  return given;
};
const [rounds, amounts] = [
  amount("rounds"),
  { prompt: amount("prompt"), written: amount("written"), seconds: amount("seconds") },
];
const only = values.only?.split(",");

const here = import.meta.dirname;
if (!existsSync(join(here, "node_modules")))
  execFileSync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: here, stdio: "inherit" });
await compileKernels(cache);
cpSync(cache, join(folder, "kernels"), { recursive: true });

const versionOf = (name: string): string =>
  (JSON.parse(readFileSync(join(here, "node_modules", name, "package.json"), "utf8")) as { version: string }).version;
const packages = {
  attnspec: "",
  wllama: versionOf("@wllama/wllama"),
  "wllama 2": versionOf("wllama2"),
  "transformers.js": versionOf("@huggingface/transformers"),
  "onnxruntime-web": versionOf("onnxruntime-web"),
} as Readonly<Record<string, string>>;

/** One contender, once, in a process of its own. */
function run(contest: string, contender: string): Result & { readonly browser: string } {
  const command = ["npx", "tsx", join(here, "run.ts"), contest, contender, JSON.stringify(amounts)];
  const [program, ...rest] = [...values.under.split(" ").filter(Boolean), ...command] as [string, ...string[]];
  const output = execFileSync(program, rest, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"], cwd: root });
  return JSON.parse(output.trim().split("\n").at(-1)!);
}

const path = join(root, "docs/data/rivals.json");
for (const name of positionals.length ? positionals : Object.keys(contests)) {
  const contest = contests[name]!;
  await prepare(contest);
  const contenders = Object.keys(contest.contenders).filter((one) => !only || one === "attnspec" || only.includes(one));
  const results: Record<string, Result[]> = Object.fromEntries(contenders.map((one) => [one, []]));
  const least: Record<string, number> = Object.fromEntries(contenders.map((one) => [one, 1]));
  let browser = "";
  for (let round = 0; round < rounds; round++)
    for (const contender of contenders) {
      const result = run(name, contender);
      browser = result.browser;
      const close = agreement(result.given, await expected(contest.contenders[contender]!.model));
      if (!agrees(result.given, close))
        throw new Error(`${contender} does not give what its weights give in float32: agreement ${close}`);
      least[contender] = Math.min(least[contender]!, close);
      results[contender]!.push(result);
      const shown = Object.entries(rates(result)).map(([figure, rate]) => `${figure} ${rate.toPrecision(3)}`);
      console.error(
        `${name}, round ${round + 1}, ${contender}: ${shown.join(", ")} a second; agreement ${close.toFixed(4)}`,
      );
    }
  const contested: Contested = {
    about: contest.about,
    engine: `Chromium ${browser}`,
    processor: cpus()[0]!.model,
    ...amounts,
    contenders: contenders.map((one) => ({
      name: `${one.replace(/ \d+$/, "")} ${packages[one] ?? ""}`.trim(),
      agreement: least[one]!,
      rounds: results[one]!.map(rates),
    })),
  };
  const { columns, rows } = tableOf([contested]);
  console.log([columns, ...rows].map((row) => row.join("\t")).join("\n"));
  if (values.json) {
    const known = existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as { contests: object }).contests : {};
    const all: Readonly<Record<string, Contested>> = { ...known, [name]: contested };
    const ordered = Object.fromEntries(Object.keys(contests).flatMap((one) => (all[one] ? [[one, all[one]]] : [])));
    writeFileSync(path, `${JSON.stringify({ ...tableOf(Object.values(ordered)), contests: ordered }, null, 1)}\n`);
    execFileSync("npx", ["biome", "format", "--write", path], { cwd: root, stdio: "ignore" });
  }
}
