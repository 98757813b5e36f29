/** Runs the command as its users do, and its commands within this process. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, vi } from "vitest";
import { writeSafetensors } from "../../src/io/safetensors.ts";
import type { WritableTensor } from "../../src/io/tensors.ts";
import { type Nested, tensorOf } from "../../src/oracle/tensors.ts";

export const root = fileURLToPath(new URL("../../", import.meta.url));
export const sdpa = "core/scaled-dot-product-attention";
export const golden = `${root}test/golden/${sdpa}/case-0.safetensors`;
export const bug = `${root}test/fixtures/torch/bugs/scaled-dot-product-attention-causal.causal-one-too-far.safetensors`;

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `attnspec ...args` in a process of its own; with `close`, its output is closed after the first piece. */
export function attnspec(args: readonly string[], { close = false } = {}): Promise<Ended> {
  const child = spawn(process.execPath, ["--import", "tsx", "src/cli/main.ts", ...args], { cwd: root });
  let stdout = "",
    stderr = "";
  child.stdout.setEncoding("utf8").on("data", (piece: string) => {
    stdout += piece;
    if (close) child.stdout.destroy();
  });
  child.stderr.setEncoding("utf8").on("data", (piece: string) => {
    stderr += piece;
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}

/** What a command prints in this process, and the code it ends with. */
export async function printed(
  command: (args: readonly string[]) => Promise<number>,
  ...args: readonly string[]
): Promise<{ code: number; text: string }> {
  const lines: string[] = [];
  const log = vi.spyOn(console, "log").mockImplementation((line: unknown) => void lines.push(String(line)));
  try {
    const code = await command(args);
    return { code, text: lines.join("\n") };
  } finally {
    log.mockRestore();
  }
}

/** A folder that is removed after the tests of a file. */
export function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), "attnspec-cli-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes nested arrays as a safetensors file. */
export function write(
  path: string,
  tensors: Readonly<Record<string, Nested>>,
  metadata: Readonly<Record<string, string>> = {},
): string {
  const all = Object.entries(tensors).map(([name, nested]): [string, WritableTensor] => [
    name,
    { ...tensorOf(nested), dtype: "F32" },
  ]);
  writeFileSync(path, writeSafetensors(Object.fromEntries(all), metadata));
  return path;
}
