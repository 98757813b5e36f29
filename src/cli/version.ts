import { readFileSync } from "node:fs";

/** The version of this package. */
export const version: string = findVersion();

function findVersion(): string {
  for (const up of ["../../package.json", "../../../package.json"]) {
    try {
      const found = JSON.parse(readFileSync(new URL(up, import.meta.url), "utf8")) as {
        name?: string;
        version?: string;
      };
      if (found.name === "attnspec") return found.version ?? "";
    } catch {
      // Not there: the other layout (source tree or built package) has it.
    }
  }
  return "unknown";
}
