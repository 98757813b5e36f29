/** Golden vectors: what the official code computed, beside what made it. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type AnyPage, shapeOf, type Tensor } from "../spec/page.ts";
import { readSafetensors } from "../src/io/safetensors.ts";
import type { Case } from "../src/oracle/cases.ts";

export interface Golden {
  readonly file: string;
  readonly inputs: Case["inputs"];
  readonly options: Readonly<Record<string, unknown>>;
  readonly outputs: Readonly<Record<string, Tensor>>;
  /** Repository, commit and symbol, or package, version and class. */
  readonly source: string;
  readonly computedIn: string;
  /** Largest allowed error relative to the output's scale. */
  readonly within: number;
}

const folder = fileURLToPath(new URL("./golden/", import.meta.url));
const plain = (name: string): string => name.replace(/[^a-zA-Z0-9.]/g, "").toLowerCase();

/** Names of the golden files of a page. */
export function goldenFiles(id: string): string[] {
  const at = join(folder, id);
  return existsSync(at)
    ? readdirSync(at)
        .filter((name) => name.endsWith(".safetensors"))
        .sort()
    : [];
}

/** The golden cases of a page, their names matched to the page's without regard to case and underscores. */
export function golden(page: AnyPage): Golden[] {
  return goldenFiles(page.id).map((file) => {
    const path = join(folder, page.id, file);
    const { tensors, metadata } = readSafetensors(readFileSync(path), file);
    const match = (name: string, names: readonly string[], what: string): string => {
      const [bare = "", entry] = name.split(/\.(\d+)$/);
      const known = names.find((n) => plain(n) === plain(bare));
      if (!known) throw new Error(`${page.id}/${file}: the page has no ${what} ${name}; it has ${names.join(", ")}`);
      return entry === undefined ? known : `${known}.${entry}`;
    };
    const inputs: Record<string, Tensor | Tensor[]> = {};
    const outputs: Record<string, Tensor> = {};
    for (const [full, { shape, data }] of Object.entries(tensors)) {
      const t: Tensor = { shape, data: Float64Array.from(data as ArrayLike<number>) };
      const [side, ...rest] = full.split(".");
      const name = rest.join(".");
      if (side === "out") outputs[match(name, Object.keys(page.outputs), "output")] = t;
      else {
        const known = match(name, Object.keys(page.inputs), "input");
        const [bare = "", entry] = known.split(".");
        if (shapeOf(page.inputs[bare]!).list) {
          const list = (inputs[bare] as Tensor[] | undefined) ?? [];
          list[Number(entry ?? 0)] = t;
          inputs[bare] = list;
        } else inputs[bare] = t;
      }
    }
    const options = Object.fromEntries(
      Object.entries(JSON.parse(metadata.options ?? "{}") as Record<string, unknown>).map(([name, value]) => [
        match(name, Object.keys(page.options), "option"),
        value,
      ]),
    );
    const computedIn = metadata.computed_in ?? "";
    const within = metadata.within ? Number(metadata.within) : computedIn.startsWith("float64") ? 1e-9 : 3e-5;
    return {
      file,
      inputs: inputs as Case["inputs"],
      options,
      outputs,
      source: metadata.source ?? "",
      computedIn,
      within,
    };
  });
}
