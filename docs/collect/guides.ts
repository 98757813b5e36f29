/** The guides: Markdown whose code blocks are run by the tests. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../scripts/pages.ts";

export interface Block {
  readonly language: string;
  /** What stands after the language: `run`, `file=kernel.mjs`, `exit=1`. */
  readonly info: string;
  readonly text: string;
}
export interface Guide {
  /** The name of its file, which is its address. */
  readonly name: string;
  readonly title: string;
  /** The first paragraph. */
  readonly about: string;
  readonly text: string;
  readonly blocks: readonly Block[];
}

/** Takes a guide apart. Files are named `<order>-<name>.md`. */
export function parseGuide(file: string, text: string): Guide {
  const [, title = ""] = /^# (.+)$/m.exec(text) ?? [];
  const about = /^# .+\n+([\s\S]*?)\n\n/.exec(text)?.[1]?.replace(/\n/g, " ") ?? "";
  const blocks = [...text.matchAll(/^```(\w*)[ \t]*(.*)\n([\s\S]*?)^```$/gm)].map(
    ([, language = "", info = "", body = ""]) => ({ language, info: info.trim(), text: body }),
  );
  return { name: file.replace(/^\d+-|\.md$/g, ""), title, about, text, blocks };
}

export const guides = (): Guide[] => {
  const folder = join(root, "docs/guides");
  return readdirSync(folder)
    .filter((name) => name.endsWith(".md"))
    .sort()
    .map((name) => parseGuide(name, readFileSync(join(folder, name), "utf8")));
};
