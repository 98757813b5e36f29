/** What the tests prove of each page: worked examples with their numbers, names of laws, and the pages a law speaks of. */
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import ts from "typescript";
import { root } from "../../scripts/pages.ts";
import type { Nested } from "../../src/oracle/tensors.ts";

export interface Example {
  readonly name: string;
  readonly inputs: Readonly<Record<string, Nested>>;
  readonly outputs: Readonly<Record<string, Nested>>;
  readonly options: Readonly<Record<string, unknown>>;
}
export interface Proved {
  readonly examples: readonly Example[];
  readonly laws: readonly {
    readonly name: string /** Other pages it compares with. */;
    readonly pages: readonly string[];
  }[];
}

const testOf = (id: string): string => join(root, "test/spec", `${id}.test.ts`);

/** Pages other than its own that each law of a test file uses, by the law's name, found in the syntax tree. */
export function relations(source: string, own: string): Map<string, string[]> {
  const tree = ts.createSourceFile("test.ts", source, ts.ScriptTarget.Latest, true);
  const pages = new Map<string, string>();
  const declared = new Map<string, ts.Node>();
  const note = (name: ts.BindingName, node: ts.Node): void => {
    if (ts.isIdentifier(name)) declared.set(name.text, node);
    else for (const part of name.elements) if (ts.isBindingElement(part)) note(part.name, node);
  };
  for (const statement of tree.statements) {
    if (ts.isImportDeclaration(statement)) {
      const id = /spec\/([a-z-]+\/[a-z0-9-]+)\.ts$/.exec((statement.moduleSpecifier as ts.StringLiteral).text)?.[1];
      const bindings = statement.importClause?.namedBindings;
      if (id && id !== own && !id.startsWith("page/") && bindings && ts.isNamedImports(bindings))
        for (const element of bindings.elements) if (!element.isTypeOnly) pages.set(element.name.text, id);
    } else if (ts.isFunctionDeclaration(statement) && statement.name) declared.set(statement.name.text, statement);
    else if (ts.isVariableStatement(statement)) for (const d of statement.declarationList.declarations) note(d.name, d);
  }
  const used = (node: ts.Node, seen: Set<string>): Set<string> => {
    const found = new Set<string>();
    const visit = (at: ts.Node): void => {
      if (ts.isIdentifier(at) && !seen.has(at.text)) {
        const page = pages.get(at.text);
        if (page) found.add(page);
        const local = declared.get(at.text);
        if (local) {
          seen.add(at.text);
          for (const id of used(local, seen)) found.add(id);
        }
      }
      ts.forEachChild(at, visit);
    };
    visit(node);
    return found;
  };
  const laws = new Map<string, string[]>();
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && ts.isIdentifier(node.expression) && node.expression.text === "law") {
      const [name, ...rest] = node.arguments;
      if (name && ts.isStringLiteralLike(name))
        laws.set(name.text, [...new Set(rest.flatMap((argument) => [...used(argument, new Set())]))]);
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return laws;
}

/** Stands in for the kit: says what is tested instead of testing it. */
const recorder = (id: string): string => `
  export * from ${JSON.stringify(join(root, "test/kit.ts"))};
  export const examples = [], laws = [];
  export const specify = () => {}, refuses = () => {};
  export const example = (name, mechanism, inputs, outputs, options = {}) => { if (mechanism.page.id === ${JSON.stringify(id)}) examples.push({ name, inputs, outputs, options }); };
  export const law = (name) => { laws.push(name); };
`;
const silence = `const f = () => f; export const test = f, describe = f, expect = f, it = f, beforeAll = f, afterAll = f; f.each = () => f;`;

/** Runs the tests of some pages with recorders in place of checks, and gives what each says. */
export async function proved(ids: readonly string[]): Promise<Map<string, Proved>> {
  const folder = join(root, "node_modules/.cache/docs/tests");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const tested = ids.filter((id) => existsSync(testOf(id)));
  await build({
    entryPoints: tested.map((id) => ({ in: `tested:${id}`, out: id })),
    outdir: folder,
    bundle: true,
    // The package says its modules have no side effects; a test is nothing else.
    ignoreAnnotations: true,
    format: "esm",
    platform: "node",
    splitting: true,
    outExtension: { ".js": ".mjs" },
    external: ["fast-check"],
    logLevel: "error",
    plugins: [
      {
        name: "record",
        setup({ onResolve, onLoad }) {
          onResolve({ filter: /^tested:/ }, ({ path }) => ({ path: path.slice(7), namespace: "tested" }));
          onLoad({ filter: /.*/, namespace: "tested" }, ({ path }) => ({
            contents: `import ${JSON.stringify(testOf(path))}; export { examples, laws } from "kit-of:${path}";`,
            resolveDir: root,
          }));
          onResolve({ filter: /^kit-of:/ }, ({ path }) => ({ path: path.slice(7), namespace: "kit" }));
          onResolve({ filter: /\/kit\.ts$/ }, ({ importer }) => {
            const id = /test\/spec\/([^/]+\/[^/]+)\.test\.ts$/.exec(importer)?.[1];
            return id ? { path: id, namespace: "kit" } : undefined;
          });
          onLoad({ filter: /.*/, namespace: "kit" }, ({ path }) => ({ contents: recorder(path), resolveDir: root }));
          onResolve({ filter: /^vitest$/ }, () => ({ path: "vitest", namespace: "silence" }));
          onLoad({ filter: /.*/, namespace: "silence" }, () => ({ contents: silence }));
        },
      },
    ],
  });
  const entries = await Promise.all(
    tested.map(async (id) => {
      const said = (await import(`${pathToFileURL(join(folder, `${id}.mjs`)).href}?${Date.now()}`)) as {
        examples: Example[];
        laws: string[];
      };
      const related = relations(readFileSync(testOf(id), "utf8"), id);
      return [
        id,
        {
          examples: said.examples,
          laws: [...new Set(said.laws)].map((name) => ({ name, pages: related.get(name) ?? [] })),
        },
      ] as const;
    }),
  );
  return new Map(entries);
}
