/** What guides show of a GPU is what happens there. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";
import { expect, test } from "vitest";
import { entryPoints } from "../../docs/api.ts";
import { guides } from "../../docs/collect/guides.ts";
import { root } from "../../scripts/pages.ts";

const entries = entryPoints();
const found = guides().flatMap(({ name, blocks }) =>
  blocks.flatMap(({ info, text }, i) =>
    info === "gpu" ? [{ name, code: text, expected: blocks[i + 1]?.text ?? "" }] : [],
  ),
);

test("there is such a block", () => expect(found.length).toBeGreaterThan(0));

test.each(found)("$name", async ({ code, expected }) => {
  // Beside the packages it imports.
  const folder = mkdtempSync(join(root, "node_modules/.cache/guide-"));
  try {
    const outfile = join(folder, "block.mjs");
    await build({
      stdin: { contents: code, resolveDir: root, loader: "js" },
      ...{ outfile, bundle: true, platform: "node", format: "esm", external: ["webgpu"] },
      plugins: [
        {
          name: "source",
          setup({ onResolve }) {
            onResolve({ filter: /^attnspec(\/|$)/ }, ({ path }) => ({ path: join(root, entries.get(path)!) }));
          },
        },
      ],
    });
    const { stdout } = await promisify(execFile)(process.execPath, [outfile]);
    expect(expected.trim()).not.toBe("");
    expect(stdout.trim()).toBe(expected.trim());
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
