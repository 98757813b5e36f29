/** What the commands about models share. */
import {
  embedded,
  fromFolder,
  fromUrl,
  type LoadModelOptions,
  loadModel,
  type Model,
  type Progress,
  type Source,
} from "../models.ts";
import { type Arguments, text, UsageError } from "./arguments.ts";

/** Flags of every command that loads a model. */
export const modelFlags = {
  model: { type: "string" },
  gguf: { type: "string" },
  weights: { type: "string" },
  activations: { type: "string" },
} as const;

/** A folder, a URL, or the model of the package. */
export function sourceOf(args: Arguments): Source {
  const place = text(args, "model");
  if (place === undefined) return embedded();
  return /^https?:\/\//.test(place) ? fromUrl(place) : fromFolder(place);
}

/** Loads the model that the flags name; with a bar on a terminal. A path that ends in .gguf names the file itself. */
export async function modelOf(args: Arguments, options: LoadModelOptions = {}): Promise<Model> {
  const place = text(args, "model");
  const bar = process.stderr.isTTY ? showProgress : undefined;
  const [, folder, file] = /^(.*?)([^/\\]+\.gguf)$/.exec(place ?? "") ?? [];
  const source = file === undefined ? sourceOf(args) : pathOrUrl(folder || ".");
  const held = {
    weights: text(args, "weights") as LoadModelOptions["weights"],
    activations: text(args, "activations") as LoadModelOptions["activations"],
  };
  const model = await loadModel(source, { progress: bar, gguf: file ?? text(args, "gguf"), ...held, ...options });
  if (bar) process.stderr.write("\r\u001b[K");
  return model;
}

const pathOrUrl = (place: string): Source => (/^https?:\/\//.test(place) ? fromUrl(place) : fromFolder(place));

function showProgress({ loaded, total }: Progress): void {
  const share = Math.round((20 * loaded) / total);
  const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);
  process.stderr.write(
    `\r[${"#".repeat(share)}${" ".repeat(20 - share)}] ${megabytes(loaded)} of ${megabytes(total)} MB`,
  );
}

/** A number that a flag gives; `undefined` if it is not there. */
export function numberOf(args: Arguments, name: string): number | undefined {
  const value = text(args, name);
  if (value === undefined) return undefined;
  const number = Number(value);
  if (value.trim() === "" || Number.isNaN(number)) throw new UsageError(`--${name} must be a number, got ${value}`);
  return number;
}

/** Tokens a second, for people. */
export const rate = (tokens: number, milliseconds: number): string =>
  `${tokens} tokens in ${(milliseconds / 1000).toFixed(2)} s, ${((1000 * tokens) / milliseconds).toFixed(1)} tokens/s`;
