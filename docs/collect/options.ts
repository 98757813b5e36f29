/** The options of the calls about models, from the doc comments where they are declared. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { root } from "../../scripts/pages.ts";

export interface Option {
  readonly name: string;
  readonly type: string;
  /** What its comment says, in Markdown. */
  readonly about: string;
}

/** Where the options of a call are declared, as guides name it: `<options generate>`. */
const declared: Readonly<Record<string, readonly (readonly [file: string, name: string])[]>> = {
  load: [["model.ts", "LoadModelOptions"]],
  generate: [
    ["generate.ts", "GenerateOptions"],
    ["sampling.ts", "SamplingOptions"],
  ],
  embed: [["embed.ts", "EmbedOptions"]],
};

/** @throws Error if there is no such call, or nothing declares its options */
export function optionsOf(call: string): Option[] {
  if (!Object.hasOwn(declared, call))
    throw new Error(`no options of ${call} are known; there are those of ${Object.keys(declared).join(", ")}`);
  return declared[call]!.flatMap(([file, name]) => {
    const path = join(root, "src/models", file);
    const tree = ts.createSourceFile(file, readFileSync(path, "utf8"), ts.ScriptTarget.Latest, true);
    const found = tree.statements.find((one) => ts.isInterfaceDeclaration(one) && one.name.text === name);
    if (!found || !ts.isInterfaceDeclaration(found)) throw new Error(`${path} declares no interface ${name}`);
    return found.members.filter(ts.isPropertySignature).map((member) => ({
      name: member.name.getText(tree),
      type: (member.type?.getText(tree) ?? "").replace(/ \| undefined$/, ""),
      about: ts
        .getJSDocCommentsAndTags(member)
        .map((doc) => ts.getTextOfJSDocComment(doc.comment) ?? "")
        .join(" ")
        .replace(/\s+/g, " ")
        .trim(),
    }));
  });
}
