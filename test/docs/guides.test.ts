/** What the guides show is what happens: their blocks are written and run, one guide in one folder, in order. */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { build, type Plugin } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { entryPoints } from "../../docs/api.ts";
import { guides } from "../../docs/collect/guides.ts";
import { root } from "../../scripts/pages.ts";

const folder = mkdtempSync(join(tmpdir(), "guides-"));
const run = promisify(execFile);
const entries = entryPoints();
/** `attnspec/…` is the source, as `exports` says. */
const source: Plugin = {
  name: "source",
  setup({ onResolve }) {
    onResolve({ filter: /^attnspec(\/|$)/ }, ({ path }) => {
      const file = entries.get(path);
      return file ? { path: join(root, file) } : { errors: [{ text: `package.json exports no ${path}` }] };
    });
  },
};
const bundle = (from: string, to: string) =>
  build({
    entryPoints: [from],
    outfile: to,
    bundle: true,
    platform: "node",
    format: "esm",
    plugins: [source],
    logLevel: "silent",
  });

/** Whether output is what a guide shows; `…` stands for anything within a line, a line of it for any lines. */
function shown(expected: string, actual: string): boolean {
  const pattern = expected
    .trim()
    .split("\n")
    .map((line) =>
      line === "…"
        ? "[\\s\\S]*"
        : line
            .split("…")
            .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
            .join(".*"),
    )
    .join("\n");
  return new RegExp(`^${pattern}$`).test(actual.trim());
}

beforeAll(() => bundle(join(root, "src/cli/main.ts"), join(root, "node_modules/.cache/docs/attnspec.mjs")));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("what a guide shows is compared line by line", () => {
  expect(shown("a …\n…\nz", "a b\nc\nd\nz")).toBe(true);
  expect(shown("a …\nz", "a b\nc\nz")).toBe(false);
  expect(shown("1.5", "105")).toBe(false);
});

describe.each(guides())("$name", ({ name, blocks, title, about }) => {
  const at = join(folder, name);
  mkdirSync(at, { recursive: true });
  test("has a title and says what it is about", () => expect([title, about].every(Boolean)).toBe(true));
  test("has code, all of it run", () => {
    expect(blocks.some(({ info }) => info === "run")).toBe(true);
    expect(blocks.filter(({ language, info }) => language !== "text" && !/^(run|gpu|file=\S+)$/.test(info))).toEqual(
      [],
    );
  });
  test("does what it shows", async () => {
    for (const [i, { language, info, text }] of blocks.entries()) {
      const file = /^file=(\S+)$/.exec(info)?.[1];
      if (file) writeFileSync(join(at, file), text);
      if (info !== "run") continue;
      let output = "";
      if (language === "bash") {
        const command = text.replace(/npx attnspec/g, `node ${join(root, "node_modules/.cache/docs/attnspec.mjs")}`);
        output = (await run("bash", ["-euc", command], { cwd: at })).stdout;
      } else {
        writeFileSync(join(at, `block-${i}.mjs`), text);
        await bundle(join(at, `block-${i}.mjs`), join(at, `run-${i}.mjs`));
        output = (await run(process.execPath, [join(at, `run-${i}.mjs`)], { cwd: at })).stdout;
      }
      const next = blocks[i + 1];
      if (next?.language === "text" && !shown(next.text, output)) expect(output.trim()).toBe(next.text.trim());
    }
  }, 60_000);
});
