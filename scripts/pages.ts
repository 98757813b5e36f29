/** The pages, as they stand in the tree. */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));

/** Ids of all pages, `<family>/<mechanism>`, sorted. */
export function pagePaths(): string[] {
  const spec = join(root, "spec");
  return readdirSync(spec)
    .filter((name) => name !== "page" && statSync(join(spec, name)).isDirectory())
    .flatMap((family) =>
      readdirSync(join(spec, family))
        .filter((name) => name.endsWith(".ts"))
        .map((name) => `${family}/${name.slice(0, -3)}`),
    )
    .sort();
}
