/**
 * Builds the site into `docs/site`: facts from the tree, pictures from the pages, templates, scripts, search, API.
 *
 *     npm run docs
 *     npm run docs -- --no-api    leave the API reference as it is
 */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import Eleventy from "@11ty/eleventy";
import { build } from "esbuild";
import MiniSearch from "minisearch";
import { cache, compileKernels } from "../scripts/kernels.ts";
import { root } from "../scripts/pages.ts";
import { api } from "./api.ts";
import { searching } from "./client/searching.ts";
import { gather } from "./collect/facts.ts";
import { guides } from "./collect/guides.ts";
import { sizes } from "./collect/sizes.ts";
import { configure } from "./eleventy.config.ts";
import { captured, gallery } from "./picture/gallery.ts";
import { png } from "./picture/png.ts";
import { sentenceOf } from "./picture/sentence.ts";
import { imageOf } from "./templates/figures.ts";
import { bare } from "./templates/html.ts";
import type { Data } from "./templates/site.ts";

const out = join(root, "docs/site");
const packages = createRequire(import.meta.url);
const folderOf = (name: string): string => dirname(packages.resolve(`${name}/package.json`));

async function timed<T>(what: string, work: () => T | Promise<T>): Promise<T> {
  const started = performance.now();
  const result = await work();
  console.log(`${what} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
  return result;
}

/** Images of every grid of every picture, in both themes. */
function pictures(data: Data): void {
  for (const [id, { figure, beside }] of data.pictures) {
    mkdirSync(dirname(join(out, "pictures", id)), { recursive: true });
    [...figure.grids, ...beside].forEach((grid, n) => {
      for (const theme of ["light", "dark"] as const)
        writeFileSync(join(out, "pictures", imageOf(id, n, theme)), png(grid, theme));
    });
  }
}

/** Style, fonts, and the scripts that pages load. */
async function assets(): Promise<void> {
  const to = join(out, "assets");
  mkdirSync(join(to, "katex/fonts"), { recursive: true });
  const katex = join(folderOf("katex"), "dist");
  writeFileSync(
    join(to, "katex/katex.min.css"),
    // Every browser of today takes woff2; the other formats of each font are left out.
    readFileSync(join(katex, "katex.min.css"), "utf8").replace(
      /,url\(fonts\/[^)]*\.(woff|ttf)\) format\("[^"]*"\)/g,
      "",
    ),
  );
  for (const font of readdirSync(join(katex, "fonts")).filter((name) => name.endsWith(".woff2")))
    cpSync(join(katex, "fonts", font), join(to, "katex/fonts", font));
  const fonts = join(folderOf("@fontsource-variable/newsreader"), "files");
  cpSync(join(fonts, "newsreader-latin-wght-normal.woff2"), join(to, "newsreader.woff2"));
  cpSync(join(fonts, "newsreader-latin-wght-italic.woff2"), join(to, "newsreader-italic.woff2"));
  cpSync(join(root, "docs/style/icon.svg"), join(to, "icon.svg"));
  await build({
    entryPoints: [join(root, "docs/style/site.css")],
    outfile: join(to, "site.css"),
    minify: true,
    bundle: true,
    external: ["*.woff2"],
  });
  await build({
    entryPoints: ["site", "atlas", "papers", "mechanism"].map((name) => join(root, "docs/client", `${name}.ts`)),
    outdir: to,
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
  });
}

/** One demonstration a page; what they share is in common chunks. */
async function demonstrations({ mechanisms }: Data): Promise<void> {
  await build({
    entryPoints: mechanisms.map(({ id }) => ({ in: `try:${id}`, out: id.replace("/", ".") })),
    outdir: join(out, "try"),
    bundle: true,
    splitting: true,
    minify: true,
    format: "esm",
    target: "es2022",
    chunkNames: "shared/[name]-[hash]",
    loader: { ".safetensors": "binary" },
    logLevel: "error",
    plugins: [
      {
        name: "try",
        setup({ onResolve, onLoad }) {
          onResolve({ filter: /^try:/ }, ({ path }) => ({ path: path.slice(4), namespace: "try" }));
          onLoad({ filter: /.*/, namespace: "try" }, ({ path }) => ({
            contents: `import { start } from ${JSON.stringify(join(root, "docs/client/try.ts"))}; import { ${mechanisms.find(({ id }) => id === path)!.exported} as m } from ${JSON.stringify(join(root, "spec", `${path}.ts`))}; start(m);`,
            resolveDir: root,
            loader: "ts",
          }));
        },
      },
    ],
  });
}

/** The index that the search loads: mechanisms, papers and guides. */
function search({ mechanisms, coverage, guides: all }: Data): void {
  const index = new MiniSearch(searching);
  const initials = (id: string) =>
    id
      .split("/")[1]!
      .split("-")
      .map((word) => word[0])
      .join("");
  index.addAll([
    ...mechanisms.map(({ id, family, name, page, comment }) => ({
      id,
      href: `${id}/`,
      kind: family,
      title: name,
      names: `${id.replace("/", " ")} ${initials(id)} ${page.paper}`,
      text: bare(comment.lead),
    })),
    ...coverage.papers.map(({ paper, title }) => ({
      id: `paper-${paper}`,
      href: `papers/#paper-${paper}`,
      kind: "paper",
      title,
      names: "",
      text: "",
    })),
    ...all.map(({ name, title, about }) => ({
      id: `guide-${name}`,
      href: `guides/${name}/`,
      kind: "guide",
      title: bare(title),
      names: "",
      text: bare(about),
    })),
  ]);
  writeFileSync(join(out, "assets/search.json"), JSON.stringify(index));
}

const withApi = !process.argv.includes("--no-api");
for (const entry of existsSync(out) ? readdirSync(out) : [])
  if (withApi || entry !== "api") rmSync(join(out, entry), { recursive: true });
const site = await timed("facts", gather);
const drawn = await timed("pictures", () => gallery(site.mechanisms.map(({ id }) => id)));
await compileKernels(cache);
const sentence = sentenceOf(readFileSync(captured));
const data: Data = {
  ...site,
  pictures: drawn,
  words: sentence.words,
  sentence: sentence.text,
  model: sentence.model,
  ids: new Set(site.mechanisms.map(({ id }) => id)),
  guides: guides(),
  sizes: await timed("sizes", sizes),
  version: (JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string }).version,
};
await timed("images", () => pictures(data));
await timed("assets", assets);
await timed("demonstrations", () => demonstrations(data));
await timed("search", () => search(data));
await timed("pages", async () => {
  const eleventy = new Eleventy("docs/templates", "docs/site", { quietMode: true, config: configure(data) });
  await eleventy.write();
});
if (withApi) await timed("API", () => api(join(out, "api")));
