/**
 * Compares engines: the same calls of the built package in Node, Deno, Bun and workerd, each in a process of its own,
 * in turn, the first being what the others are compared with.
 *
 *     npm run bench:engines -- [node=PATH] [deno=PATH] [bun=PATH] [workerd=PATH] … [--filter PATTERN] [--rounds 5]
 *       [--processes 3] [--output docs/data/engines.json]
 *
 * Without a `node` among them the one that runs this comes first. Time is taken here, from request to answer: of
 * requests that do a call so often that it takes a fifth of a second, less those that do it not at all. With `--filter`
 * the output keeps what it has of other calls, if it is of the same engines.
 */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { root } from "../../../scripts/pages.ts";
import { joined, type Measured, shares, type Table, table, written } from "./shares.ts";
import { work } from "./work.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    filter: { type: "string", default: "" },
    rounds: { type: "string", default: "5" },
    processes: { type: "string", default: "3" },
    output: { type: "string" },
  },
});
for (const name of ["rounds", "processes"] as const)
  if (!(Number.isSafeInteger(Number(values[name])) && Number(values[name]) >= 1))
    throw new Error(`--${name} must be a whole number from 1 on, got ${values[name]}`);

const here = fileURLToPath(new URL(".", import.meta.url));
const kinds = { node: "Node", deno: "Deno", bun: "Bun", workerd: "workerd" } as const;
type Kind = keyof typeof kinds;

interface Engine {
  readonly kind: Kind;
  readonly path: string;
  /** `Node 24.1.0`. */
  readonly name: string;
}

const engines = positionals.map((word): Engine => {
  const [kind = "", path = kind] = word.split("=");
  if (!Object.hasOwn(kinds, kind)) throw new Error(`${word}: give ${Object.keys(kinds).join("=PATH, ")}=PATH`);
  return named(kind as Kind, path);
});
if (!engines.some(({ kind }) => kind === "node")) engines.unshift(named("node", process.execPath));
const names = Object.keys(work).filter((name) => new RegExp(values.filter).test(name));
if (!names.length) throw new Error(`no call is called ${values.filter}; there are ${Object.keys(work).join(", ")}`);

function named(kind: Kind, path: string): Engine {
  const version = /\d+[.\d-]*\d/.exec(execFileSync(path, ["--version"], { encoding: "utf8" }))?.[0];
  return { kind, path, name: `${kinds[kind]} ${version}` };
}

/** The Worker in one file beside its kernels, and a configuration that serves it. */
async function bundled(folder: string): Promise<string> {
  for (const file of ["kernels.wasm", "kernels.relaxed.wasm"])
    copyFileSync(join(root, "dist", file), join(folder, file));
  await build({
    entryPoints: [join(here, "worker.mjs")],
    outfile: join(folder, "worker.mjs"),
    bundle: true,
    format: "esm",
    logLevel: "error",
    external: ["*.wasm", "node:*"],
  });
  const config = join(folder, "config.capnp");
  writeFileSync(
    config,
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (compatibilityDate = "2025-01-01", modules = [
    (name = "worker", esModule = embed "worker.mjs"),
    (name = "kernels.wasm", wasm = embed "kernels.wasm"),
    (name = "kernels.relaxed.wasm", wasm = embed "kernels.relaxed.wasm"),
  ]))],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
`,
  );
  return config;
}

/** Flags before `serve.mjs`. Node 20 has relaxed SIMD behind one. */
const flags = ({ kind, name }: Engine): readonly string[] => {
  if (kind === "deno") return ["run", "--quiet", "--no-config", "--allow-read", "--allow-net"];
  return /^Node 20\b/.test(name) ? ["--experimental-wasm-relaxed-simd"] : [];
};

/** Starts an engine; asks it, and ends it. */
async function started(engine: Engine, config: string) {
  const args =
    engine.kind === "workerd" ? ["serve", config, "--control-fd=3"] : [...flags(engine), join(here, "serve.mjs")];
  const child = spawn(engine.path, args, { stdio: ["ignore", "pipe", "inherit", "pipe"] });
  const said = createInterface(child.stdio[engine.kind === "workerd" ? 3 : 1] as Readable);
  const ended = once(child, "exit").then(() => Promise.reject(new Error(`${engine.name} ended`)));
  ended.catch(() => {});
  const [line] = (await Promise.race([once(said, "line"), ended])) as [string];
  const { port } = JSON.parse(line) as { port: number };
  return {
    async ask(call: string, times: number) {
      const start = performance.now();
      const response = await fetch(`http://127.0.0.1:${port}/${encodeURIComponent(call)}/${times}`);
      const text = await response.text();
      if (!response.ok) throw new Error(`${engine.name}: ${text}`);
      return { milliseconds: performance.now() - start, ...(JSON.parse(text) as { target: string; tile: string }) };
    },
    end: () => child.kill(),
  };
}

type Server = Awaited<ReturnType<typeof started>>;

/** How often a call fits in a fifth of a second, once the compilers have done their work. */
async function warm({ ask }: Server, call: string): Promise<number> {
  for (let [times, tries, spent] = [1, 0, 0]; ; tries++) {
    const { milliseconds } = await ask(call, times);
    spent += milliseconds;
    if (milliseconds > 100 && (tries >= 4 || spent > 1000))
      return Math.max(1, Math.round((200 * times) / milliseconds));
    if (milliseconds < 100) times *= 2;
  }
}

/** One process of each engine: milliseconds of each call in each round, and what was chosen. */
async function measured(config: string): Promise<Measured> {
  const servers: Server[] = [];
  try {
    for (const engine of engines) servers.push(await started(engine, config));
    // Products enough that the way tiles are made is chosen before anything counts.
    for (const server of servers) await server.ask("matmul 1024", 4);
    const times: Record<string, number[][]> = {};
    for (const call of names) {
      const often: number[] = [];
      for (const server of servers) often.push(await warm(server, call));
      const rounds: number[][] = engines.map(() => []);
      for (let round = 0; round < Number(values.rounds); round++)
        for (const [i, server] of servers.entries()) {
          const nothing = (await server.ask(call, 0)).milliseconds;
          const { milliseconds } = await server.ask(call, often[i]!);
          rounds[i]!.push((milliseconds - nothing) / often[i]!);
        }
      times[call] = rounds;
    }
    const chosen: { target: string; tile: string }[] = [];
    for (const server of servers) chosen.push(await server.ask(names[0]!, 0));
    return { times, chosen };
  } finally {
    for (const server of servers) server.end();
  }
}

const folder = mkdtempSync(join(tmpdir(), "engines-"));
try {
  const config = await bundled(folder);
  const processes: Measured[] = [];
  for (let i = 0; i < Number(values.processes); i++) {
    if (process.stderr.isTTY) process.stderr.write(`\rprocess ${i + 1} of ${values.processes} `);
    processes.push(await measured(config));
  }
  const processor = `${cpus()[0]?.model ?? "unknown processor"}, ${cpus().length} cores`;
  const result = table(
    engines.map(({ name }, i) => ({ name, ...processes[0]!.chosen[i]! })),
    shares(processes),
    { processes: processes.length, processor },
  );
  console.log([result.columns, ...result.rows].map((row) => row.join(" | ")).join("\n"), `\n${result.note}`);
  if (values.output) {
    const before = existsSync(values.output) ? (JSON.parse(readFileSync(values.output, "utf8")) as Table) : undefined;
    writeFileSync(values.output, written(joined(before, result, Object.keys(work))));
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
