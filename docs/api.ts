/** The reference of every public entry point, by TypeDoc, from a copy of the sources whose formulas it can carry. */
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import katex from "katex";
import type { MarkdownIt } from "markdown-it";
import { pagePaths, root } from "../scripts/pages.ts";

/** The source file of each entry of package.json `exports`, by what a user imports. */
export function entryPoints(): Map<string, string> {
  const { name, exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    name: string;
    exports: Record<string, string | { readonly types: string }>;
  };
  const entries = new Map<string, string>();
  for (const [path, target] of Object.entries(exports)) {
    if (typeof target === "string") continue;
    const source = target.types.replace(/^\.\/dist\//, "").replace(/\.d\.ts$/, ".ts");
    const public_ = `${name}${path.slice(1)}`;
    if (source.includes("*"))
      for (const id of pagePaths()) entries.set(public_.replace("*", id), source.replace("*", id));
    else entries.set(public_, source);
  }
  return entries;
}

/**
 * A source whose formulas pass through TypeDoc as code (it reads braces in comments as tags of its own), whose links to
 * names of the vocabulary say where these are, and which names its module as a user imports it.
 */
export function carried(source: string, module: string | undefined, linked: ReadonlySet<string>): string {
  const comments = (text: string, change: (comment: string) => string): string =>
    text.replace(/\/\*\*[\s\S]*?\*\//g, (comment) => change(comment));
  const imported = new Set(
    [...source.matchAll(/import (?:type )?\{([^}]*)\}/g)].flatMap(([, names]) => names!.split(/[\s,]+/)),
  );
  const changed = comments(source, (comment) =>
    comment
      // A shape at the head of a comment would be the target of a Markdown link.
      .replace(/((?:^\/\*\*|\n[ \t]*\*)[ \t]+)\[([^\]\n]*)\]:/g, "$1`[$2]`:")
      .replace(
        /\$\$([\s\S]*?)\$\$/g,
        (_, tex: string) =>
          `\n *\n * \`\`\`math\n * ${tex.replace(/\n[ \t]*\*?[ \t]*/g, "\n * ").trim()}\n * \`\`\`\n *\n *`,
      )
      .replace(/(?<![`$\w])\$([^$\s`][^$`]*?)\$/g, (_, tex: string) => `\`$${tex.replace(/\n[ \t]*\*[ \t]*/g, " ")}$\``)
      .replace(/\{@link (\w+)\}/g, (whole, name: string) =>
        linked.has(name) && !imported.has(name) && !new RegExp(`export [^\\n]*\\b${name}\\b`).test(source)
          ? `{@link "attnspec/page".${name} | ${name}}`
          : whole,
      ),
  );
  if (module === undefined) return changed;
  const first = /^\/\*\*[\s\S]*?\*\//.exec(changed)?.[0];
  if (!first || /^\s*export (const|function|class|interface|type)/.test(changed.slice(first.length)))
    return `/** @module ${module} */\n${changed}`;
  return (
    first.replace(/(?:\s*\*)*(?:\s*@module[^\n]*\n\s*)?(?:\s*\*)*\/$/, `\n *\n * @module ${module}\n */`) +
    changed.slice(first.length)
  );
}

/** Renders what {@link carried} put into code as formulas again. */
function formulas(markdown: MarkdownIt): void {
  const { code_inline: inline, fence } = markdown.renderer.rules;
  const said = (tex: string) =>
    tex.replace(/\s+/g, " ").replace(/&/g, "&amp;").replace(/"/g, "&quot;").replace(/</g, "&lt;");
  markdown.renderer.rules.code_inline = (tokens, index, ...rest) => {
    const tex = /^\$(.+)\$$/s.exec(tokens[index]!.content)?.[1];
    return tex === undefined
      ? inline!(tokens, index, ...rest)
      : `<span role="math" aria-label="${said(tex)}">${katex.renderToString(tex, { throwOnError: true, output: "html" })}</span>`;
  };
  markdown.renderer.rules.fence = (tokens, index, ...rest) => {
    const { info, content } = tokens[index]!;
    return info.trim() === "math"
      ? `<div class="formula" tabindex="0" role="math" aria-label="${said(content)}">${katex.renderToString(content.trim(), { displayMode: true, throwOnError: true, output: "html" })}</div>`
      : fence!(tokens, index, ...rest);
  };
}

/** Writes the reference into a folder; any warning of TypeDoc is an error. What the same sources gave before is kept. */
export async function api(out: string): Promise<void> {
  const sources = ["spec", "src"].flatMap((room) =>
    readdirSync(join(root, room), { recursive: true, encoding: "utf8" })
      .filter((name) => /\.(ts|json)$/.test(name))
      .sort()
      .map((name) => join(root, room, name)),
  );
  const hash = createHash("sha256");
  for (const path of [
    ...sources,
    fileURLToPath(import.meta.url),
    join(root, "docs/style/api.css"),
    join(root, "package.json"),
  ])
    hash.update(path).update(readFileSync(path));
  const kept = join(root, "node_modules/.cache/docs/reference", hash.digest("hex").slice(0, 40));
  if (!existsSync(kept)) {
    rmSync(dirname(kept), { recursive: true, force: true });
    await write(`${kept}.part`);
    renameSync(`${kept}.part`, kept);
  }
  cpSync(kept, out, { recursive: true });
}

async function write(out: string): Promise<void> {
  const copy = join(root, "node_modules/.cache/docs/api");
  rmSync(copy, { recursive: true, force: true });
  const entries = entryPoints();
  const bySource = new Map([...entries].map(([name, source]) => [source, name]));
  const page = readFileSync(join(root, "spec/page.ts"), "utf8");
  const linked = new Set([...page.matchAll(/\b([A-Z]\w+)\b/g)].map(([, name]) => name!));
  for (const room of ["spec", "src"])
    for (const name of readdirSync(join(root, room), { recursive: true, encoding: "utf8" })) {
      if (!/\.(ts|json)$/.test(name)) continue;
      const path = join(room, name);
      mkdirSync(dirname(join(copy, path)), { recursive: true });
      if (!name.endsWith(".ts")) cpSync(join(root, path), join(copy, path));
      else writeFileSync(join(copy, path), carried(readFileSync(join(root, path), "utf8"), bySource.get(path), linked));
    }
  const { compilerOptions } = JSON.parse(readFileSync(join(root, "tsconfig.json"), "utf8")) as {
    compilerOptions: object;
  };
  const options = { ...compilerOptions, types: ["node"], typeRoots: [join(root, "node_modules/@types")] };
  writeFileSync(
    join(copy, "tsconfig.json"),
    JSON.stringify({ compilerOptions: options, include: ["spec", "src"], exclude: ["src/cli"] }),
  );
  const { Application } = await import("typedoc");
  const app = await Application.bootstrap({
    entryPoints: [...entries.values()].map((source) => join(copy, source)),
    tsconfig: join(copy, "tsconfig.json"),
    basePath: copy,
    out,
    name: "attnspec",
    readme: "none",
    disableSources: true,
    disableGit: true,
    skipErrorChecking: true,
    excludeInternal: true,
    includeVersion: true,
    hideGenerator: true,
    githubPages: false,
    customCss: join(root, "docs/style/api.css"),
    navigationLinks: { Atlas: "site:index.html", Papers: "site:papers/index.html", Guides: "site:guides/index.html" },
    navigation: { includeGroups: false, includeCategories: false, includeFolders: true },
    validation: { notExported: false, invalidLink: true, notDocumented: true },
    requiredToBeDocumented: ["Function", "Variable", "Class", "Interface", "TypeAlias", "Enum"],
    treatWarningsAsErrors: true,
    logLevel: "Warn",
    markdownItLoader: (parser: unknown) => formulas(parser as MarkdownIt),
  });
  const project = await app.convert();
  if (!project) throw new Error("TypeDoc could not read the sources");
  app.validate(project);
  await app.generateOutputs(project);
  // TypeDoc writes these links alike on every page; the way to the site's root depends on the page's folder.
  for (const name of readdirSync(out, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".html"))) {
    const path = join(out, name);
    const up = "../".repeat(name.split(/[\\/]/).length);
    writeFileSync(path, readFileSync(path, "utf8").replaceAll('href="site:', `href="${up}`));
  }
  if (app.logger.hasErrors() || app.logger.hasWarnings()) throw new Error("TypeDoc has something to say; see above");
}
