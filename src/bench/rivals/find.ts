/** Finding peers where they are installed: in a folder, or beside the caller. */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";

/** Imports a package from the folder that has it in its `node_modules`; nothing if it is not there. */
export async function find(name: string, folder: string): Promise<{ module: unknown; folder: string } | undefined> {
  let path: string;
  try {
    path = createRequire(join(folder, "package.json")).resolve(name);
  } catch {
    return undefined;
  }
  const module = (await import(pathToFileURL(path).href)) as { default?: object };
  return { module: { ...module.default, ...module }, folder: dirname(path) };
}
