import { execFile } from "node:child_process";
import { cpus } from "node:os";
import { promisify } from "node:util";
import { setFlagsFromString } from "node:v8";
import { contests } from "../../bench/contests.ts";
import { measure, type Run } from "../../bench/measure.ts";
import { report, table } from "../../bench/report.ts";
import { find } from "../../bench/rivals/find.ts";
import { hasRelaxedSimd } from "../../wasm/features.ts";
import { kernelFiles } from "../../wasm/load.ts";
import { parse, text, UsageError, whole } from "../arguments.ts";
import { json } from "../print.ts";

export const usage = `attnspec bench [KIND]… [--filter TEXT] [--target simd|relaxed] [--processes 5] [--rounds 9] [--peers DIR] [--json]
  The WebAssembly kernels beside straight loops and, where they are installed (in DIR, else here), onnxruntime-web and
  TensorFlow.js: interleaved, one thread, medians over rounds in several processes, and the share of what a loop over
  registers alone reaches. Ratios and shares can be compared; times only on the same idle machine.`;

export async function bench(args: readonly string[]): Promise<number> {
  const parsed = parse(args, {
    filter: { type: "string" },
    target: { type: "string" },
    processes: { type: "string" },
    rounds: { type: "string" },
    peers: { type: "string" },
    once: { type: "boolean" },
    json: { type: "boolean" },
  });
  const kinds = parsed.words.length ? parsed.words : Object.keys(contests);
  for (const kind of kinds)
    if (!Object.hasOwn(contests, kind))
      throw new UsageError(`there is no bench ${kind}; there are ${Object.keys(contests).join(", ")}`);
  const target = text(parsed, "target") ?? "relaxed";
  if (target !== "simd" && target !== "relaxed")
    throw new UsageError(`--target must be simd or relaxed, got ${target}`);
  const [processes, rounds] = [whole(parsed, "processes", 5), whole(parsed, "rounds", 9)];
  const filter = text(parsed, "filter") ?? "";
  if (parsed.flags.once) {
    console.log(
      JSON.stringify(
        await once(kinds as (keyof typeof contests)[], {
          target,
          rounds,
          filter,
          peers: text(parsed, "peers") ?? process.cwd(),
        }),
      ),
    );
    return 0;
  }
  const peers = text(parsed, "peers");
  if (peers !== undefined && !(await find("onnxruntime-web", peers)) && !(await find("@tensorflow/tfjs-core", peers)))
    throw new UsageError(
      `--peers ${peers} has neither onnxruntime-web nor @tensorflow/tfjs-core in its node_modules; npm install one there, or leave it out`,
    );
  const runs: Run[] = [];
  for (let i = 0; i < processes; i++) {
    if (process.stderr.isTTY) process.stderr.write(`\rprocess ${i + 1} of ${processes} `);
    const call = [
      ...process.execArgv,
      process.argv[1]!,
      "bench",
      "--once",
      ...args.filter((word) => word !== "--json"),
    ];
    const { stdout } = await promisify(execFile)(process.execPath, call, { maxBuffer: 2 ** 26 });
    runs.push(JSON.parse(stdout) as Run);
  }
  if (process.stderr.isTTY) process.stderr.write("\r");
  const cores = cpus();
  const processor = `${cores[0]?.model ?? "unknown processor"}, ${cores.length} cores`;
  const result = report(runs, `Node ${process.version.slice(1)}`, processor);
  if (!result.entries.length) throw new UsageError(`no contest has ${filter} in its name`);
  console.log(parsed.flags.json ? json(result) : table(result));
  return 0;
}

interface Once {
  readonly target: "simd" | "relaxed";
  readonly rounds: number;
  readonly filter: string;
  readonly peers: string;
}

async function once(kinds: readonly (keyof typeof contests)[], { target, ...options }: Once): Promise<Run> {
  // Node 20 has it behind this flag; elsewhere the flag does nothing.
  if (target === "relaxed") setFlagsFromString("--experimental-wasm-relaxed-simd");
  if (target === "relaxed" && !hasRelaxedSimd())
    throw new UsageError("this engine has no relaxed SIMD; give --target simd");
  return measure(
    kinds.map((kind) => contests[kind]),
    { ...options, url: kernelFiles()[target] },
  );
}
