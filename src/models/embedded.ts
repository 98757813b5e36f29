/** The model that comes with the package: a llama of a million weights; see `embedded/README.md`. */
import type { Source } from "./source.ts";
import { fromFolder } from "./sources/folder.ts";
import { fromUrl } from "./sources/url.ts";

/** It writes in the manner of the King James Bible: a source for `loadModel`, read beside this module. */
export function embedded(): Source {
  const url = new URL("./embedded/", import.meta.url);
  return url.protocol === "file:" ? fromFolder(url) : fromUrl(url);
}
