#!/usr/bin/env node
/** The `attnspec` command. Exit 0: fine; 1: does not conform; 2: bad usage or input, with one line on stderr. */
import { nearest, PageError } from "../../spec/page.ts";
import { UnknownMechanismError } from "../index.ts";
import { FileFormatError } from "../io/errors.ts";
import { ModelError } from "../models.ts";
import { NothingToDrawError } from "../oracle/cases.ts";
import { KernelError } from "../wasm.ts";
import { UsageError } from "./arguments.ts";
import * as bench from "./commands/bench.ts";
import * as check from "./commands/check.ts";
import * as embed from "./commands/embed.ts";
import * as generate from "./commands/generate.ts";
import * as list from "./commands/list.ts";
import * as quantize from "./commands/quantize.ts";
import * as run from "./commands/run.ts";
import * as show from "./commands/show.ts";
import * as vectors from "./commands/vectors.ts";
import { version } from "./version.ts";

const commands: Readonly<Record<string, { usage: string; run: (args: readonly string[]) => Promise<number> }>> = {
  list: { usage: list.usage, run: list.list },
  show: { usage: show.usage, run: show.show },
  run: { usage: run.usage, run: run.run },
  check: { usage: check.usage, run: check.check },
  vectors: { usage: vectors.usage, run: vectors.vectors },
  bench: { usage: bench.usage, run: bench.bench },
  generate: { usage: generate.usage, run: generate.generate },
  embed: { usage: embed.usage, run: embed.embed },
  quantize: { usage: quantize.usage, run: quantize.quantize },
};

const help = (): string =>
  `attnspec ${version}: every attention mechanism as an executable float64 specification\n\n${Object.values(commands)
    .map(({ usage }) => usage)
    .join("\n\n")}\n\nExit 0: fine; 1: does not conform; 2: bad usage or input.`;

async function main([name, ...args]: readonly string[]): Promise<number> {
  if (name === undefined || name === "help" || name === "--help" || name === "-h") {
    console.log(help());
    return name === undefined ? 2 : 0;
  }
  if (name === "--version" || name === "-v") {
    console.log(version);
    return 0;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!command)
    throw new UsageError(
      `there is no command ${name}; did you mean ${nearest(name, Object.keys(commands))[0]}? \`attnspec help\` shows them`,
    );
  if (args.includes("--help") || args.includes("-h")) {
    console.log(command.usage);
    return 0;
  }
  return command.run(args);
}

/** Errors that are the caller's to mend, in one line. */
const expected = (error: unknown): error is Error =>
  error instanceof UsageError ||
  error instanceof PageError ||
  error instanceof UnknownMechanismError ||
  error instanceof FileFormatError ||
  error instanceof NothingToDrawError ||
  error instanceof ModelError ||
  error instanceof KernelError ||
  (error instanceof Error && "code" in error && typeof error.code === "string" && /^E[A-Z]+$/.test(error.code));

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.exitCode = 2;
    console.error(expected(error) ? `attnspec: ${error.message.replace(/\s*\n\s*/g, " ")}` : error);
  },
);
