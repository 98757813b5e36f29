/** What the guides show is what happens: their blocks are written and run, one guide in one folder, in order. */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { build, type Plugin } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { entryPoints } from "../../docs/api.ts";
import { guides } from "../../docs/collect/guides.ts";
import { sizes } from "../../docs/collect/sizes.ts";
import { inserted } from "../../docs/templates/inserted.ts";
import { root } from "../../scripts/pages.ts";

const folder = mkdtempSync(join(tmpdir(), "guides-"));
const run = promisify(execFile);
const entries = entryPoints();
const measured = await sizes();
/** `attnspec/…` is the source, as `exports` says; what lies beside a module is found although that is bundled. */
const source: Plugin = {
  name: "source",
  setup({ onResolve, onLoad }) {
    onLoad({ filter: /\/src\/(models|wasm)\/.*\.ts$/ }, ({ path }) => ({
      contents: readFileSync(path, "utf8").replaceAll("import.meta.url", JSON.stringify(pathToFileURL(path).href)),
      loader: "ts",
    }));
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

describe.each(guides())("$name", ({ name, text, blocks, title, about }) => {
  const at = join(folder, name);
  mkdirSync(at, { recursive: true });
  test("has a title and says what it is about", () => expect([title, about].every(Boolean)).toBe(true));
  test("has code, all of it run", () => {
    expect(blocks.some(({ info }) => info === "run")).toBe(true);
    expect(blocks.filter(({ language, info }) => language !== "text" && !/^(run|gpu|file=\S+)$/.test(info))).toEqual(
      [],
    );
  });
  test("takes only what there is from elsewhere", () => {
    const taken = [...text.matchAll(/^<.+>$/gm)].map(
      ([line]) => `<p>${line.replace("<", "&lt;").replace(">", "&gt;")}</p>`,
    );
    if (taken.length) expect(inserted(taken.join("\n"), measured)).not.toContain("&lt;sizes");
  });
  test("does what it shows", async () => {
    for (const [i, { language, info, text: body }] of blocks.entries()) {
      const file = /^file=(\S+)$/.exec(info)?.[1];
      if (file) writeFileSync(join(at, file), body);
      if (info !== "run") continue;
      let output = "";
      if (language === "bash") {
        const command = body
          .replace(/npx attnspec/g, `node ${join(root, "node_modules/.cache/docs/attnspec.mjs")}`)
          .replace(/node_modules\/attnspec\/dist/g, root);
        output = (await run("bash", ["-euc", command], { cwd: at })).stdout;
      } else {
        writeFileSync(join(at, `block-${i}.mjs`), body);
        await bundle(join(at, `block-${i}.mjs`), join(at, `run-${i}.mjs`));
        output = (await run(process.execPath, [join(at, `run-${i}.mjs`)], { cwd: at })).stdout;
      }
      const next = blocks[i + 1];
      if (next?.language === "text" && !shown(next.text, output)) expect(output.trim()).toBe(next.text.trim());
    }
  }, 60_000);
});
