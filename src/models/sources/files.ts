import type { Source } from "../source.ts";

/** A model from `File`s (or other Blobs with a name), as an input of a page gives them; they are read part by part. */
export function fromFiles(files: Iterable<Blob & { readonly name: string }>, name = "files"): Source {
  const byName = new Map([...files].map((file) => [file.name, file]));
  return {
    name,
    async open(wanted) {
      const file = byName.get(wanted);
      return (
        file && {
          name: wanted,
          size: file.size,
          read: async (begin, end) => new Uint8Array(await file.slice(begin, end).arrayBuffer()),
        }
      );
    },
  };
}
