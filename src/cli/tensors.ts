/** Tensor files as inputs and outputs of a page. */
import { type AnyPage, type Inputs, nearest, shapeOf, type Tensor } from "../../spec/page.ts";
import { readTensorFile } from "../io/files.ts";
import { UsageError } from "./arguments.ts";

const plain = (name: string): string => name.replace(/[^a-zA-Z0-9]/g, "").toLowerCase();

interface Named {
  readonly tensors: Readonly<Record<string, Tensor>>;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * The tensors of a file that belong to one side of a page. Names are the page's, perhaps with `in.` or `out.` before and
 * without regard to case and underscores; a file that uses these prefixes may hold both sides.
 */
async function readSide(path: string, side: "in" | "out", names: readonly string[], page: AnyPage): Promise<Named> {
  const file = await readTensorFile(path);
  const prefixed = Object.keys(file.tensors).some((name) => /^(in|out)\./.test(name));
  const tensors: Record<string, Tensor> = {};
  for (const [full, { shape, data }] of Object.entries(file.tensors)) {
    if (prefixed && !full.startsWith(`${side}.`)) continue;
    const [, name = "", entry] = /^(.*?)(?:\.(\d+))?$/.exec(prefixed ? full.slice(side.length + 1) : full)!;
    const known = names.find((n) => plain(n) === plain(name));
    if (!known)
      throw new UsageError(
        `${path}: ${page.id} has no ${side === "in" ? "input" : "output"} ${name}; did you mean ${nearest(name, names)[0]}? The ${side === "in" ? "inputs" : "outputs"} are ${names.join(", ")}`,
      );
    const place = entry === undefined ? known : `${known}.${entry}`;
    if (tensors[place])
      throw new UsageError(`${path}: two tensors are named ${place} but for case and underscores; keep one`);
    tensors[place] = { shape, data: data as ArrayLike<number> };
  }
  return { tensors, metadata: file.metadata };
}

/** The inputs of a page from a file, with the options its metadata holds, if any. */
export async function readInputs(
  page: AnyPage,
  path: string,
): Promise<{ inputs: Inputs; options: Record<string, unknown> }> {
  const { tensors, metadata } = await readSide(path, "in", Object.keys(page.inputs), page);
  const inputs: Record<string, Tensor | Tensor[]> = {};
  for (const [full, t] of Object.entries(tensors)) {
    const [name = "", entry] = full.split(".");
    if (!shapeOf(page.inputs[name]!).list) inputs[name] = t;
    else {
      const list = (inputs[name] as Tensor[] | undefined) ?? [];
      list[Number(entry ?? list.length)] = t;
      inputs[name] = list;
    }
  }
  return { inputs, options: storedOptions(page, path, metadata) };
}

function storedOptions(
  page: AnyPage,
  path: string,
  metadata: Readonly<Record<string, string>>,
): Record<string, unknown> {
  if (!metadata.options) return {};
  let stored: unknown;
  try {
    stored = JSON.parse(metadata.options);
  } catch {
    // Refused below, like JSON of another kind.
  }
  if (typeof stored !== "object" || stored === null || Array.isArray(stored))
    throw new UsageError(
      `${path}: its metadata holds options that are no JSON object: ${metadata.options.slice(0, 80)}`,
    );
  const names = Object.keys(page.options);
  return Object.fromEntries(
    Object.entries(stored as Record<string, unknown>).map(([name, value]) => [
      names.find((n) => plain(n) === plain(name)) ?? name,
      revive(value),
    ]),
  );
}

/** JSON has no infinities: they are stored as words. */
export const revive = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(revive)
    : value === "Infinity"
      ? Number.POSITIVE_INFINITY
      : value === "-Infinity"
        ? Number.NEGATIVE_INFINITY
        : value;
export const storable = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(storable)
    : typeof value === "number" && !Number.isFinite(value)
      ? String(value)
      : value;

/** The outputs somebody computed, from a file. */
export const readOutputs = async (page: AnyPage, path: string): Promise<Record<string, Tensor>> => ({
  ...(await readSide(path, "out", Object.keys(page.outputs), page)).tensors,
});
